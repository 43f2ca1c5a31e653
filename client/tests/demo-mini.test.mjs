import assert from 'node:assert/strict'
import { test } from 'node:test'

import { launch, start, until } from './demo-mini.mjs'
import { GATEWAY, coffee, listed, newTask, picture, someone } from './support.mjs'

const TASKS = 'pages/tasks/tasks'
const TASK = 'pages/task/task'

async function atTask(answers) {
  const phone = start(answers)
  const taskId = await newTask(phone, 'Shelf 4')
  const page = phone.open(TASK, { task_id: taskId })
  await until('the task', () => !page.instance.data.loading)
  return { ...phone, taskId, page }
}

test('the app signs its test user in, on every phone the same', async () => {
  const config = { baseUrl: GATEWAY, testUser: someone() }

  const first = await launch(config).app.client.login()
  const second = await launch(config).app.client.login()

  assert.deepEqual([first.is_new_user, second.is_new_user], [true, false])
  assert.equal(second.user_id, first.user_id)
})

test('without a test user the codes are those of the platform', async () => {
  const { app, device } = launch({ baseUrl: GATEWAY, testUser: '' })
  device.loginCode = () => 'expired'

  await assert.rejects(app.client.login(), { error: 'code_invalid' })
})

test('a new task is made from its title, listed and opened', async () => {
  const { client, shown, open } = start()
  const page = open(TASKS)
  await until('the empty list', () => page.text().includes('还没有任务'))

  page.send('.title-input', 'input', { value: '  4 号货架 ' })
  page.send('.title-input', 'confirm')
  await until('the new task', () => page.all('.task').length === 1)

  const { tasks } = await client.request('GET /tasks')
  assert.equal(tasks[0].title, '4 号货架')
  assert.match(page.text('.task'), /4 号货架\d{4}-\d{2}-\d{2} \d{2}:\d{2}/)
  assert.deepEqual(shown.navigated, [`/pages/task/task?task_id=${tasks[0].task_id}`])
})

test('a title of spaces makes nothing', async () => {
  const { client, open } = start()
  const page = open(TASKS)

  page.send('.title-input', 'input', { value: '   ' })
  await page.instance.createTask()

  assert.deepEqual((await client.request('GET /tasks')).tasks, [])
})

test('the list goes on where the page ends', async () => {
  const phone = start()
  for (let count = 0; count < 51; count += 1) await newTask(phone, `task ${count}`)
  const page = phone.open(TASKS)
  await until('the first page', () => page.all('.task').length === 50)

  page.instance.onReachBottom()

  await until('the last task', () => page.all('.task').length === 51)
  assert.match(page.all('.task')[50].dom.textContent, /^task 0/)
})

test('without a network the list says so, and a tap tries again', async () => {
  const { device, open } = start()
  device.online = false
  const page = open(TASKS)
  await until('the complaint', () => page.text('.trouble').includes('网络连接失败'))

  device.online = true
  page.send('.trouble .quiet', 'tap')

  await until('the list', () => page.text().includes('还没有任务'))
  assert.equal(page.all('.trouble').length, 0)
})

test('the avatar that was chosen is uploaded and shown', async () => {
  const { client, device, open } = start()
  const page = open(TASKS)

  page.send('.avatar-button', 'chooseavatar', { avatarUrl: device.addFile(coffee('avatar.jpg')) })
  await until('the avatar', () => page.instance.data.avatar.includes('/images/'))

  const { user_id } = await client.login()
  const avatar = await fetch(client.avatarUrl(user_id))
  assert.equal(avatar.status, 200)
  assert.equal(new URL(avatar.url).pathname, new URL(page.instance.data.avatar).pathname)
})

test('an avatar that is no picture is refused in words', async () => {
  const { device, open } = start()
  const page = open(TASKS)

  page.send('.avatar-button', 'chooseavatar', { avatarUrl: device.addFile(coffee('text.jpg')) })

  await until('the refusal', () => page.text('.trouble').includes('不支持的图片格式'))
})

test('signing out everywhere ends the session, and the next call makes another', async () => {
  const { client, shown, open } = start()
  const page = open(TASKS)
  await until('the list', () => !page.instance.data.loading)
  const before = client.session.session_id

  page.send('.me .quiet', 'tap')
  await until('the end', () => shown.toasts.includes('已退出登录'))

  assert.equal(client.session, null)
  await page.instance.refresh()
  assert.notEqual(client.session.session_id, before)
})

test('chosen photos are uploaded and take their places in the grid', async () => {
  const { client, page, taskId } = await atTask({ photos: [coffee(), picture(20), picture(30)] })

  page.send('.add', 'tap')
  await until('three pictures', () => page.instance.data.images.length === 3)

  const names = (await listed({ client }, taskId)).map((image) => image.name)
  assert.deepEqual(page.instance.data.images.map((image) => image.name).sort(), names.sort())
  assert.equal(page.instance.data.photos.length, 0)
  assert.equal(page.all('.add').length, 1)
})

test('choosing nothing changes nothing', async () => {
  const { page, shown } = await atTask({})

  page.send('.add', 'tap')

  assert.deepEqual([page.instance.data.photos, shown.toasts], [[], []])
})

test('a photo on its way is shown with how far it is', async () => {
  const { device, page } = await atTask({ photos: [picture(300, 600000)] })
  const seen = new Set()
  const draw = page.instance.setData.bind(page.instance)
  page.instance.setData = (data) => {
    draw(data)
    if (page.all('.percent').length) seen.add(page.text('.percent'))
  }
  let go
  device.network = ({ api }) => (api === 'uploadFile' ? new Promise((resolve) => { go = resolve }) : {})

  page.send('.add', 'tap')
  await until('the upload', () => go)
  assert.deepEqual([...seen], ['0%'])
  go({})
  await until('the picture', () => page.instance.data.images.length === 1)

  assert.ok(seen.size > 3, [...seen].join())
})

test('a photo that is refused stays with its reason until it is given up', async () => {
  const { page } = await atTask({ photos: [coffee('coffee.heic')], choice: '移除这张' })

  page.send('.add', 'tap')
  await until('the refusal', () => page.all('.failed').length === 1)
  assert.match(page.text('.failed'), /HEIC/)
  page.send('.failed', 'tap')

  await until('the empty grid', () => page.instance.data.photos.length === 0)
  assert.equal(page.all('.failed').length, 0)
})

test('a photo whose answer was lost is sent again, and is there once', async () => {
  const { client, device, page, taskId } = await atTask({ photos: [coffee()], choice: '重新上传' })
  device.network = ({ api }) => (api === 'uploadFile' ? { cut: 'after' } : {})
  page.send('.add', 'tap')
  await until('the failure', () => page.all('.failed').length === 1)
  assert.equal((await listed({ client }, taskId)).length, 1)

  device.network = undefined
  page.send('.failed', 'tap')
  await until('the picture', () => page.instance.data.images.length === 1)

  assert.equal((await listed({ client }, taskId)).length, 1)
  assert.equal(page.instance.data.photos.length, 0)
})

test('photos go on while their page is left, and are there when it is opened again', async () => {
  const { device, open, page, taskId } = await atTask({ photos: [coffee(), picture(20)] })
  const held = []
  device.network = ({ api }) => (api === 'uploadFile' ? new Promise((resolve) => held.push(resolve)) : {})
  page.send('.add', 'tap')
  await until('both uploads', () => held.length === 2)

  page.close()
  const again = open(TASK, { task_id: taskId })
  assert.equal(again.instance.data.photos.length, 2)
  held.forEach((go) => go({}))

  await until('both pictures', () => again.instance.data.images.length === 2)
  assert.equal(page.instance.data.images.length, 0, 'the page that was left is not drawn any more')
})

test('a picture that arrives while the task is read is not lost, and not doubled', async () => {
  const { app, device, page, taskId } = await atTask({})
  let go
  device.network = ({ url }) => (url.endsWith(taskId) ? new Promise((resolve) => { go = resolve }) : {})
  const loading = page.instance.load()
  await until('the reading', () => go)

  await app.uploads.add(taskId, [device.addFile(coffee())])
  go({})
  await loading

  assert.equal(page.instance.data.images.length, 1)
})

test('a tap previews all pictures, beginning with the one that was tapped', async () => {
  const { page, shown } = await atTask({ photos: [coffee(), picture(20)] })
  page.send('.add', 'tap')
  await until('both pictures', () => page.instance.data.images.length === 2)

  page.send('.tile', 'tap', undefined, 1)
  await until('the preview', () => shown.previews.length)

  const full = page.instance.data.images.map((image) => image.full)
  assert.deepEqual(shown.previews, [{ urls: full, current: full[1] }])
  assert.equal((await fetch(full[1])).status, 200)
})

test('a picture whose URL has ended is asked for again, once', async () => {
  const { page } = await atTask({ photos: [coffee()] })
  page.send('.add', 'tap')
  await until('the picture', () => page.instance.data.images.length === 1)
  page.instance.setData({ 'images[0].small': 'http://127.0.0.1:9/ended', 'images[0].full': 'http://127.0.0.1:9/ended' })

  page.send('.picture', 'error')
  await until('a URL that works', () => !page.instance.data.images[0].small.includes('ended'))
  assert.equal((await fetch(page.instance.data.images[0].full)).status, 200)

  page.instance.setData({ 'images[0].small': 'http://127.0.0.1:9/ended' })
  page.send('.picture', 'error')
  await new Promise((resume) => setTimeout(resume, 50))
  assert.match(page.instance.data.images[0].small, /ended/)
})

test('the address of a picture can be passed on, and opens without a session', async () => {
  const { page, shown } = await atTask({ photos: [coffee()], choice: '复制图片地址' })
  page.send('.add', 'tap')
  await until('the picture', () => page.instance.data.images.length === 1)

  page.send('.tile', 'longpress')
  await until('the address', () => shown.clipboard)

  const opened = await fetch(shown.clipboard)
  assert.equal(opened.status, 200)
  assert.match(opened.headers.get('content-type'), /^image\/jpeg/)
})

test('a picture that is deleted leaves the grid and the task', async () => {
  const { client, page, taskId } = await atTask({ photos: [coffee()], choice: '删除' })
  page.send('.add', 'tap')
  await until('the picture', () => page.instance.data.images.length === 1)

  page.send('.tile', 'longpress')
  await until('the empty grid', () => page.instance.data.images.length === 0)

  assert.deepEqual(await listed({ client }, taskId), [])
})

test('pictures in preparation and rejected ones are labelled, and not previewed', async () => {
  const { page, shown } = await atTask({})
  const image = (state) => ({ name: state, state, small: '', full: '', placeholder: '' })
  page.instance.setData({ images: [image('pending'), image('rejected')] })

  assert.deepEqual(page.all('.label').map((label) => label.dom.textContent), ['准备中', '无法显示'])
  page.instance.preview({ currentTarget: { dataset: { at: 0 } } })
  page.instance.preview({ currentTarget: { dataset: { at: 1 } } })
  assert.deepEqual(shown.previews, [])
})

test('a task of somebody else is refused in words', async () => {
  const someone = start()
  const theirs = await newTask(someone)
  const { open } = start()

  const page = open(TASK, { task_id: theirs })

  await until('the refusal', () => page.text('.trouble').includes('无该任务'))
})

for (const [button, event, expected] of [
  ['同意', 'agreeprivacyauthorization', { buttonId: 'privacy-agree', event: 'agree' }],
  ['不同意', 'tap', { event: 'disagree' }],
]) {
  test(`the platform that asks for privacy is told: ${button}`, async () => {
    const { open, shown } = start()
    const { instance, all, send, text } = open('components/privacy/privacy')
    assert.equal(instance.data.shown, false)

    let answer
    shown.askForPrivacy((given) => { answer = given })
    assert.match(text(), /拍摄位置/)
    send(event === 'tap' ? '.quiet' : '#privacy-agree', event)
    await until('the answer', () => answer)

    assert.deepEqual(answer, expected)
    assert.equal(all('.veil').length, 0)
  })
}
