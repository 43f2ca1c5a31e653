// One picture, as large as it goes. Escape closes it, arrows go on.

import { byId, element } from './dom.js'
import { large } from './pictures.js'

const viewer = byId('viewer')
let go = () => {}

export function view({ image, small, full, actions, step = () => {} }) {
  go = step
  viewer.querySelector('.stage').replaceChildren(large(image, small, full))
  byId('viewer-title').textContent = image?.width ? `${image.width} × ${image.height}, ${Math.ceil(image.bytes / 1024)} KB` : ''
  byId('viewer-actions').replaceChildren(...actions.map(([text, action]) => element('button', { class: 'quiet', type: 'button', onclick: action }, text)))
  if (!viewer.open) viewer.showModal()
}

export function closeViewer() {
  viewer.close()
}

byId('close').onclick = closeViewer
viewer.onclick = ({ target }) => { if (target === viewer) closeViewer() }
viewer.onkeydown = ({ key }) => {
  if (key === 'ArrowRight') go(1)
  if (key === 'ArrowLeft') go(-1)
}
