// A picture from coarse to fine: placeholder, small, full. When a URL fails, a fresh one is asked for, once.

import { element } from './dom.js'
import { placeholder } from './sdk/index.js'
import { slowness } from './faults.js'
import { say } from './texts.js'

/** A tile of the grid. `ask()` gives a fresh URL of the small picture; `open()` is called when it is chosen. */
export function tile({ image, url, id = '', label, ask, open }) {
  const picture = element('img', { alt: '', decoding: 'async' })
  const box = element('button', { class: 'tile', id, type: 'button', 'aria-label': label }, picture)
  const state = image?.state ?? 'ready'
  if (state !== 'ready') box.append(element('span', { class: `label ${state}` }, say(state)))
  under(box, image)

  const trouble = element('span', { class: 'label', hidden: true }, say('unreachable'))
  box.append(trouble)
  const start = () => {
    let asked = false
    trouble.hidden = true
    box.classList.remove('broken')
    box.onclick = open
    picture.onload = () => picture.classList.add('loaded')
    picture.onerror = async () => {
      if (!asked) {
        asked = true
        picture.src = await ask().catch(() => undefined) ?? url
        return
      }
      trouble.hidden = false
      box.classList.add('broken')
      box.onclick = start
    }
    load(picture, url)
  }
  start()
  return box
}

/** Shows a picture as large as it goes: what is there at once, then the full one over it. */
export function large(image, small, full) {
  const box = element('div', { class: 'large' }, element('img', { src: small, alt: '' }))
  if (image?.width) box.style.aspectRatio = `${image.width} / ${image.height}`
  under(box, image)
  const over = element('img', { class: 'over', alt: '' })
  over.onload = () => over.classList.add('loaded')
  load(over, full)
  box.append(over)
  return box
}

/** Pictures come over the browser's own network, which a slow phone has not. */
function load(picture, url) {
  setTimeout(() => { picture.src = url }, slowness())
}

function under(box, image) {
  const dataUrl = image && placeholder(image)
  if (dataUrl) box.style.backgroundImage = `url(${dataUrl})`
}
