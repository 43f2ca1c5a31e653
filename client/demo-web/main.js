// The page: who is looking, which task, which photos.

import { drawSum } from './calls.js'
import { byId, element, toast } from './dom.js'
import { drawFaults, tellStack } from './faults.js'
import { tile } from './pictures.js'
import { say, sayError, sayTime, switchLanguage, writeTexts } from './texts.js'
import { discard, onChange, send, upload, uploadsOf } from './uploads.js'
import { USERS, clientOf, deviceOf } from './users.js'
import { closeViewer, view } from './viewer.js'

const UNTIL_VARIANTS = 2000 // milliseconds
const SAMPLES = ['photos/coffee.jpg', 'photos/rocket.jpg', 'photos/cat.jpg']

let user = USERS[0]
let tasks = []
let taskId
let images = []

const client = () => clientOf(user)

// ---- users ----------------------------------------------------------------------------------------------------------------

function drawUsers() {
  const { session } = client()
  byId('session').textContent = session ? say('session', { until: sayTime(session.expires_at) }) : say('noSession')
  byId('users').querySelectorAll('label').forEach((label) => label.remove())
  byId('users').append(...USERS.map((name) => {
    const known = clientOf(name).session
    const avatar = element('span', { class: 'avatar' }, name[0].toUpperCase())
    if (known) avatar.append(element('img', { alt: '', src: `${clientOf(name).avatarUrl(known.user_id)}?${avatars}`, onerror: ({ target }) => target.remove() }))
    return element('label', {}, element('input', { type: 'radio', id: `user-${name}`, name: 'user', class: 'hidden', value: name, checked: name === user, onchange: () => switchTo(name) }), avatar, name)
  }))
}

// The address of an avatar is always the same: browsers would go on showing the old one.
let avatars = Date.now()

function switchTo(name) {
  user = name
  taskId = undefined
  images = []
  tasks = []
  closeViewer()
  return attempt(loadTasks)
}

byId('avatar').onchange = ({ target }) => {
  const [file] = target.files
  target.value = ''
  return file && attempt(async () => {
    await client().uploadAvatar(deviceOf(user).addFile(await file.arrayBuffer()))
    avatars = Date.now()
  })
}

byId('sign-out').onclick = () => attempt(async () => {
  await client().logout({ everywhere: true })
  toast(say('signedOut'))
})

byId('expire').onclick = async () => {
  const { session_id, user_id } = await client().login()
  // Not through the client, which is not to know.
  await fetch('/session', { method: 'DELETE', headers: { 'session-id': session_id, 'user-id': user_id } })
  toast(say('expired'))
}

// ---- tasks ----------------------------------------------------------------------------------------------------------------

async function loadTasks() {
  ;({ tasks } = await client().request('GET /tasks'))
  if (tasks.length) await open(tasks[0].task_id)
}

async function open(id) {
  taskId = id
  images = []
  tiles.clear()
  draw()
  const task = await client().request('GET /tasks/{task_id}', { path: { task_id: id } })
  if (taskId === id) ({ images } = task)
}

byId('new-task').onsubmit = (event) => {
  event.preventDefault()
  const title = byId('title').value.trim()
  if (!title) return undefined
  return attempt(async () => {
    const task = await client().request('POST /tasks', { body: { title } })
    byId('title').value = ''
    tasks = [task, ...tasks]
    await open(task.task_id)
  })
}

function drawTasks() {
  byId('tasks').replaceChildren(...tasks.map((task) => element('button', {
    class: 'chip', type: 'button', id: `task-${task.task_id}`, 'aria-pressed': task.task_id === taskId, onclick: () => attempt(() => open(task.task_id)),
  }, task.title ?? say('untitled'))))
  if (!tasks.length) byId('tasks').append(element('p', { class: 'muted' }, say('noTasks')))
}

// ---- photos ---------------------------------------------------------------------------------------------------------------

function addPhotos(files) {
  if (taskId) for (const file of files) upload(user, taskId, file)
}

onChange((photo, image) => {
  if (photo.user !== user || photo.taskId !== taskId) return
  if (image && !images.some(({ name }) => name === image.name)) {
    images = [...images, image]
    lookAgain()
  }
  if (!['failed', 'gone'].includes(photo.state) && byId(`upload-${photo.id}`)) drawProgress(photo)
  else draw([drawPhotos])
})

const tiles = new Map()
let looking

/** Small pictures and placeholders are made a moment after an upload. */
function lookAgain() {
  clearTimeout(looking)
  looking = setTimeout(async () => {
    const id = taskId
    const task = await client().request('GET /tasks/{task_id}', { path: { task_id: id } }).catch(() => undefined)
    if (!task || taskId !== id) return
    images = task.images
    draw([drawPhotos])
  }, UNTIL_VARIANTS)
}

/** A picture that is there already stays: it would flicker. */
function tileOf(image, at) {
  const key = `${image.name} ${image.state} ${Boolean(image.variants.thumb)}`
  if (!tiles.has(key)) {
    const shown = image.variants.thumb?.url ?? image.url
    const ask = async () => (await client().resolveImages([image.name], { variant: 'thumb' }))[0].url
    tiles.set(key, tile({ image, url: shown, id: `picture-${image.name}`, label: say('openPhoto', { at: at + 1 }), ask, open: () => showLarge(image) }))
  }
  return tiles.get(key)
}

function drawPhotos() {
  if (!taskId) {
    byId('grid').replaceChildren(element('p', { class: 'muted wide' }, say('chooseTask')))
    return
  }
  byId('grid').replaceChildren(
    ...images.map(tileOf),
    ...uploadsOf(user, taskId).map(uploadTile),
    element('label', { class: 'tile add', id: 'add', htmlFor: 'photos', tabIndex: 0, onkeydown: chooseByKey },
      element('b', {}, '+'), element('span', {}, say('add')), element('small', {}, say('drop'))),
    images.length || uploadsOf(user, taskId).length ? '' : element('button', { class: 'tile add', id: 'samples', type: 'button', onclick: addSamples }, element('b', {}, '☕'), element('span', {}, say('samples'))))
}

// It is not drawn anew with the grid: the browser calls off the choice of an input that goes.
byId('photos').onchange = ({ target }) => {
  addPhotos([...target.files])
  target.value = ''
}

function chooseByKey(event) {
  if (event.key !== 'Enter' && event.key !== ' ') return
  event.preventDefault()
  byId('photos').click()
}

async function addSamples() {
  addPhotos(await Promise.all(SAMPLES.map(async (path) => (await fetch(path)).blob())))
}

function uploadTile(photo) {
  const box = element('div', { class: `tile upload ${photo.state}`, id: `upload-${photo.id}` }, element('img', { class: 'loaded', alt: '', src: photo.preview, onerror: ({ target }) => target.remove() }))
  const button = (text, action) => element('button', { type: 'button', onclick: action }, say(text))
  const veil = photo.state === 'failed'
    ? element('div', { class: 'veil' }, element('p', {}, sayError(photo.error)), element('div', { class: 'answers' }, button('retry', () => send(photo)), button('discard', () => discard(photo))))
    : element('div', { class: 'veil' }, element('span', { class: 'percent' }), element('progress', { max: 1 }), button('cancel', photo.cancel))
  box.append(veil)
  if (photo.state !== 'failed') drawProgress(photo, box)
  return box
}

function drawProgress(photo, box = byId(`upload-${photo.id}`)) {
  box.querySelector('progress').value = photo.progress
  box.querySelector('.percent').textContent = standing(photo)
}

/** How far a photo is, or what it waits for. */
function standing({ state, progress, seconds, reason }) {
  if (state === 'retrying') return say('again', { why: sayError(reason), seconds })
  if (state === 'waiting') return reason ? sayError(reason) : say('waiting')
  return state === 'processing' ? say('processing') : `${Math.round(progress * 100)} %`
}

function showLarge(image) {
  if (image.state !== 'ready') return
  const actions = [
    ...USERS.filter((name) => name !== user).map((name) => [say('shareWith', { user: name }), () => share(name, image)]),
    [say('copy'), () => navigator.clipboard.writeText(client().imageUrl(image.name)).then(() => toast(say('copied')))],
    [say('remove'), () => attempt(() => remove(image))],
  ]
  const ready = images.filter(({ state }) => state === 'ready')
  view({
    image,
    small: image.variants.thumb?.url ?? image.url,
    full: image.url,
    actions,
    step: (by) => showLarge(ready[(ready.findIndex(({ name }) => name === image.name) + by + ready.length) % ready.length]),
  })
}

async function remove(image) {
  closeViewer()
  await client().request('DELETE /tasks/{task_id}/images/{name}', { path: { task_id: taskId, name: image.name } })
  images = images.filter(({ name }) => name !== image.name)
}

const section = byId('photos-section')
section.ondragover = (event) => { event.preventDefault(); section.classList.add('dropping') }
section.ondragleave = () => section.classList.remove('dropping')
section.ondrop = (event) => {
  event.preventDefault()
  section.classList.remove('dropping')
  addPhotos([...event.dataTransfer.files])
}

// ---- shared by address ------------------------------------------------------------------------------------------------------

const sharedWith = (name) => JSON.parse(localStorage.getItem(`shared with ${name}`) ?? '[]')

function share(name, image) {
  const others = sharedWith(name).filter((other) => other !== image.name)
  localStorage.setItem(`shared with ${name}`, JSON.stringify([image.name, ...others]))
  toast(say('sharedWith', { user: name }))
}

function drawShared() {
  const names = sharedWith(user)
  byId('shared-section').hidden = !names.length
  byId('shared').replaceChildren(...names.map((name, at) => {
    const [small, full] = [client().imageUrl(name, { variant: 'thumb' }), client().imageUrl(name)]
    return tile({ url: small, label: say('openPhoto', { at: at + 1 }), ask: async () => small, open: () => view({ small, full, actions: [] }) })
  }))
}

// ---- all of it --------------------------------------------------------------------------------------------------------------

/** Does it, shows what came of it, or why it did not work. */
async function attempt(work) {
  byId('trouble').hidden = true
  busy(1)
  try {
    await work()
  } catch (error) {
    byId('trouble').hidden = false
    byId('trouble').replaceChildren(sayError(error), element('button', { class: 'quiet', type: 'button', onclick: () => attempt(work) }, say('retry')))
  }
  draw()
  busy(-1)
}

let atWork = 0

/** The client tries several times before it gives up: that takes a while. */
function busy(more) {
  atWork += more
  document.querySelector('main').ariaBusy = String(atWork > 0)
}

/** What is drawn anew keeps the focus. */
function draw(parts = [drawUsers, drawTasks, drawPhotos, drawShared]) {
  const { id } = document.activeElement
  parts.forEach((part) => part())
  if (id && document.activeElement.id !== id) byId(id)?.focus()
}

function drawAll() {
  writeTexts()
  drawFaults()
  drawSum()
  draw()
}

byId('language').onclick = () => {
  switchLanguage()
  tiles.clear()
  drawAll()
}

tellStack()
drawAll()
attempt(loadTasks)
