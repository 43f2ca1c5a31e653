/** An element with its properties, `class`, attributes of names with a dash, and children; what is false is left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class') made.className = value
    else if (name.includes('-')) made.setAttribute(name, value)
    else made[name] = value
  }
  made.append(...children.flat().filter((child) => child || child === 0))
  return made
}

export const byId = (id) => document.getElementById(id)

let fading

/** Says it for a moment. */
export function toast(text) {
  const box = byId('toast')
  box.textContent = text
  box.classList.add('shown')
  clearTimeout(fading)
  fading = setTimeout(() => box.classList.remove('shown'), 3500)
}
