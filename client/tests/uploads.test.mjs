import assert from 'node:assert/strict'
import { test } from 'node:test'

import { GATEWAY, calls, coffee, createAbort, listed, newTask, phone, picture, refusal, someone } from './support.mjs'

const MEGABYTE = 1024 * 1024

test('a photo lands in its task', async () => {
  const alice = phone()
  const task = await newTask(alice)

  const image = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))

  assert.equal(image.state, 'ready')
  assert.deepEqual([image.width, image.height], [240, 320])
  assert.deepEqual((await listed(alice, task)).map(({ name }) => name), [image.name])
})

test('the form may have its file in any place', async () => {
  const alice = phone({ fileAnywhere: true })
  const task = await newTask(alice)

  for (let width = 1; width <= 5; width += 1) await alice.client.uploadTaskImage(task, alice.device.addFile(picture(width)))

  assert.deepEqual((await listed(alice, task)).map(({ width }) => width), [1, 2, 3, 4, 5])
})

test('the avatar is the picture that was chosen', async () => {
  const alice = phone()

  const image = await alice.client.uploadAvatar(alice.device.addFile(coffee('avatar.jpg')))

  const shown = await fetch(alice.client.avatarUrl(alice.client.session.user_id), { redirect: 'manual' })
  assert.equal(shown.status, 302)
  assert.equal(pathOf(shown.headers.get('location')), pathOf(image.url))
})

test('progress rises to all of it and never falls, whatever the network does', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const bytes = picture(100, 300000)
  alice.device.network = cutting((call, uploads) => (uploads === 1 ? 'during' : undefined))
  const heard = []

  await alice.client.uploadTaskImage(task, alice.device.addFile(bytes), { onProgress: (progress) => heard.push(progress) })

  assert.ok(heard.length >= 4)
  assert.deepEqual(heard.map(({ sent }) => sent), heard.map(({ sent }) => sent).sort((a, b) => a - b))
  const { state, sent, total, progress } = heard.at(-1)
  assert.deepEqual([state, sent, total, progress], ['done', bytes.length, bytes.length, 1])
  assert.ok(heard.slice(0, -1).every((before) => before.progress < 1))
})

test('a photo whose answer was lost is there once', async () => {
  const alice = phone()
  const task = await newTask(alice)
  alice.device.network = cutting((call, uploads) => (uploads <= 3 ? 'after' : undefined))

  const image = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))

  assert.deepEqual((await listed(alice, task)).map(({ name }) => name), [image.name])
  assert.equal(alice.device.calls.filter(({ api }) => api === 'uploadFile').length, 4)
})

test('a photo that was given up and is tried again later is there once', async () => {
  const alice = phone({ options: { attempts: 2 } })
  const task = await newTask(alice)
  const path = alice.device.addFile(coffee())
  alice.device.network = cutting(() => 'after')

  const error = await refusal(alice.client.uploadTaskImage(task, path))
  assert.equal(error.error, 'network_error')
  alice.device.network = undefined
  await alice.client.uploadTaskImage(task, path, { uploadId: error.uploadId })

  assert.equal((await listed(alice, task)).length, 1)
})

test('fifty photos over a network that cuts every fifth request are fifty images, in order', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const widths = Array.from({ length: 50 }, (_, at) => at + 1)
  const files = widths.map((width) => alice.device.addFile(picture(width, 3000)))
  const cut = alice.device.network = everyFifth()

  const photos = await alice.client.uploadTaskImages(task, files, { inOrder: true })

  assert.deepEqual(photos.map(({ state }) => state), widths.map(() => 'done'))
  assert.deepEqual(photos.map(({ image }) => image.width), widths)
  assert.deepEqual((await listed(alice, task)).map(({ width }) => width), widths)
  assert.ok(cut.count >= 10, `${cut.count} were cut`)
})

test('fifty photos at once over such a network are fifty images, each the one that was sent', async () => {
  const alice = phone({ options: { parallel: 6 } })
  const task = await newTask(alice)
  const widths = Array.from({ length: 50 }, (_, at) => at + 1)
  const files = widths.map((width) => alice.device.addFile(picture(width, 3000)))
  const cut = alice.device.network = everyFifth()
  const most = mostAtOnce(alice.device)

  const photos = await alice.client.uploadTaskImages(task, files)

  assert.deepEqual(photos.map(({ image }) => image.width), widths)
  assert.deepEqual((await listed(alice, task)).map(({ name }) => name).sort(), photos.map(({ image }) => image.name).sort())
  assert.ok(cut.count >= 10, `${cut.count} were cut`)
  assert.ok(most.uploads > 1 && most.uploads <= 6, `${most.uploads} uploads at once`)
})

test('the fifty-first photo is refused, and the others are there', async () => {
  const alice = phone({ options: { parallel: 7 } })
  const task = await newTask(alice)
  const files = Array.from({ length: 51 }, (_, at) => alice.device.addFile(picture(at + 1)))

  const photos = await alice.client.uploadTaskImages(task, files)

  const failed = photos.filter(({ state }) => state === 'failed')
  assert.deepEqual(failed.map(({ error }) => [error.error, error.errmsg]), [['task_full', '任务图片数量已达上限']])
  assert.equal((await listed(alice, task)).length, 50)
})

test('a batch goes on when its session ends in the middle', async () => {
  const user = someone()
  const [here, there] = [phone({ user }), phone({ user })]
  const task = await newTask(here)
  await there.client.login()
  const files = Array.from({ length: 12 }, (_, at) => here.device.addFile(picture(at + 1)))
  let ended = false
  here.device.network = cutting(async (call, uploads) => {
    if (uploads < 5 || ended) return
    ended = true
    await there.client.logout({ everywhere: true })
  })

  const photos = await here.client.uploadTaskImages(task, files)

  assert.ok(ended)
  assert.deepEqual(photos.map(({ image }) => image.width), files.map((_, at) => at + 1))
  assert.equal((await listed(here, task)).length, 12)
  assert.equal(calls(here).filter((call) => call === 'POST /session').length, 2)
})

test('two phones put their photos into one task at the same time, and none is lost', async () => {
  const user = someone()
  const phones = [phone({ user }), phone({ user })]
  const task = await newTask(phones[0])
  const paths = phones.map(({ device }, at) => Array.from({ length: 8 }, (_, i) => device.addFile(picture(1 + at * 8 + i))))

  await Promise.all(phones.map(({ client }, at) => client.uploadTaskImages(task, paths[at])))

  const widths = (await listed(phones[1], task)).map(({ width }) => width)
  assert.deepEqual(widths.sort((a, b) => a - b), Array.from({ length: 16 }, (_, at) => at + 1))
})

test('a batch survives that the user looks at something else', async () => {
  const alice = phone({ interruptedAfter: 1, options: { attempts: 2 } })
  const task = await newTask(alice)
  const files = Array.from({ length: 6 }, (_, at) => alice.device.addFile(picture(at + 1)))
  let left = false
  alice.device.network = cutting((call, uploads) => {
    if (uploads < 3 || left) return
    left = true
    alice.device.hide()
    setTimeout(() => alice.device.show(), 80)
    return new Promise((resolve) => setTimeout(resolve, 40)) // this request is on its way when WeChat cuts it
  })

  const photos = await alice.client.uploadTaskImages(task, files)

  assert.ok(alice.device.calls.some(({ fault }) => fault === 'interrupted'), 'something was interrupted')
  assert.deepEqual(photos.map(({ state }) => state), files.map(() => 'done'))
  assert.equal((await listed(alice, task)).length, 6)
})

test('a photo says that it waits, is sent, is being looked at, and is done', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const states = []

  await alice.client.uploadTaskImage(task, alice.device.addFile(picture(100, 300000)), {
    onProgress: ({ state }) => { if (state !== states.at(-1)) states.push(state) },
  })

  assert.deepEqual(states, ['waiting', 'sending', 'processing', 'done'])
})

test('a photo that is sent again says which try it is, after how many seconds, and why', async () => {
  const alice = phone()
  const task = await newTask(alice)
  alice.device.network = cutting((call, uploads) => (uploads <= 2 ? 'after' : undefined))
  const heard = []

  await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()), {
    onProgress: ({ state, attempt, seconds, error }) => { if (state === 'retrying') heard.push([attempt, seconds, error.error]) },
  })

  assert.deepEqual(heard, [[2, 1, 'network_error'], [3, 1, 'network_error']])
})

test('a photo that is hopeless says so at once, and why', async () => {
  const alice = phone()
  const task = await newTask(alice)
  let last

  await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(coffee('text.jpg')), { onProgress: (photo) => { last = photo } }))

  assert.deepEqual([last.state, last.error.error, last.error.retryable], ['failed', 'image_unsupported', false])
  assert.equal(last.attempt, undefined)
})

test('without a network a photo says so at once, waits, and goes on when it is back', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const before = alice.device.calls.length
  alice.device.online = false
  let told

  const image = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()), {
    onProgress({ state, error }) {
      if (state !== 'waiting' || !error) return
      told = error
      setTimeout(() => { alice.device.online = true })
    },
  })

  assert.equal(told.error, 'network_error')
  assert.equal(image.state, 'ready')
  assert.equal(alice.device.calls.length - before, 1)
})

test('a network that goes in the middle of a batch, and for longer than all tries, loses nothing', async () => {
  const alice = phone({ options: { attempts: 2 } })
  const task = await newTask(alice)
  const files = Array.from({ length: 8 }, (_, at) => alice.device.addFile(picture(at + 1)))
  alice.device.network = cutting((call, uploads) => {
    if (uploads !== 3) return undefined
    alice.device.online = false
    return 'before'
  })

  const photos = await alice.client.uploadTaskImages(task, files, {
    onProgress({ photos: now }) {
      const waits = now.filter(({ state, error }) => state === 'waiting' && error).length
      if (waits + now.filter(({ state }) => state === 'done').length === files.length) setTimeout(() => { alice.device.online = true })
    },
  })

  assert.deepEqual(photos.map(({ state }) => state), files.map(() => 'done'))
  assert.equal((await listed(alice, task)).length, 8)
})

test('whoever waits for a network can be called off', async () => {
  const alice = phone()
  const task = await newTask(alice)
  alice.device.online = false
  const abort = createAbort()

  const error = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(coffee()), {
    signal: abort.signal, onProgress: ({ error: why }) => { if (why && why.error === 'network_error') abort.abort() },
  }))

  assert.equal(error.error, 'aborted')
})

test('a call without a network fails at once, and not after six tries', async () => {
  const alice = phone()
  await alice.client.login()
  alice.device.online = false

  const error = await refusal(alice.client.request('GET /tasks'))

  assert.deepEqual([error.error, error.retryable], ['network_error', true])
  assert.equal(alice.device.calls.length, 2)
})

test('an upload can be called off, and leaves nothing', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const abort = createAbort()

  const error = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(picture(300, MEGABYTE)), {
    signal: abort.signal, onProgress: () => abort.abort(),
  }))

  assert.equal(error.error, 'aborted')
  assert.equal(error.errmsg, '已取消')
  assert.deepEqual(await listed(alice, task), [])
})

test('calling off a batch keeps what is there and sends nothing more', async () => {
  const alice = phone({ options: { parallel: 1 } })
  const task = await newTask(alice)
  const abort = new AbortController() // the standard one fits, too
  const files = Array.from({ length: 5 }, (_, at) => alice.device.addFile(picture(at + 1)))

  const photos = await alice.client.uploadTaskImages(task, files, {
    inOrder: true, signal: abort.signal, onProgress: ({ done }) => { if (done === 2) abort.abort() },
  })

  assert.deepEqual(photos.map(({ state }) => state), ['done', 'done', 'failed', 'failed', 'failed'])
  assert.deepEqual(photos.slice(2).map(({ error }) => error.error), ['aborted', 'aborted', 'aborted'])
  assert.deepEqual((await listed(alice, task)).map(({ width }) => width), [1, 2])
})

test('the failed photos of a batch are handed in again as they are', async () => {
  const alice = phone({ options: { attempts: 1, parallel: 2 } })
  const task = await newTask(alice)
  const files = Array.from({ length: 6 }, (_, at) => alice.device.addFile(picture(at + 1)))
  alice.device.network = cutting((call, uploads) => (uploads % 2 ? 'after' : undefined))

  const first = await alice.client.uploadTaskImages(task, files)
  alice.device.network = undefined
  const failed = first.filter(({ state }) => state === 'failed')
  const second = await alice.client.uploadTaskImages(task, failed)

  assert.equal(failed.length, 3)
  assert.deepEqual(second.map(({ state }) => state), ['done', 'done', 'done'])
  assert.equal((await listed(alice, task)).length, 6)
})

test('what is no photo is refused with a text for the user, and not sent again', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const upload = (bytes) => refusal(alice.client.uploadTaskImage(task, alice.device.addFile(bytes)))

  const text = await upload(coffee('text.jpg'))
  const heic = await upload(coffee('coffee.heic'))
  const torn = await upload(coffee().subarray(0, 9000))

  assert.deepEqual([text.error, text.errmsg], ['image_unsupported', '不支持的图片格式'])
  assert.deepEqual([heic.error, heic.errmsg], ['image_unsupported', '不支持HEIC图片，请选择压缩图或JPEG'])
  assert.deepEqual([torn.error, torn.errmsg, torn.retryable], ['image_incomplete', '图片不完整，请重新选择', false])
  assert.equal(alice.device.calls.filter(({ api }) => api === 'uploadFile').length, 3)
})

test('a photo of a task of someone else is refused', async () => {
  const [alice, bob] = [phone(), phone()]
  const task = await newTask(alice)

  const error = await refusal(bob.client.uploadTaskImage(task, bob.device.addFile(coffee())))

  assert.deepEqual([error.error, error.errcode, error.status], ['task_not_found', 40401, 404])
})

test('a photo that is no longer on the phone is an error of its own, in a batch of one photo only', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const [here, gone] = [alice.device.addFile(picture(1)), alice.device.addFile(picture(2))]
  alice.device.removeFile(gone)

  const error = await refusal(alice.client.uploadTaskImage(task, gone))
  const photos = await alice.client.uploadTaskImages(task, [gone, here])

  assert.deepEqual([error.error, error.errmsg], ['file_missing', '图片文件不存在，请重新选择'])
  assert.deepEqual(photos.map((photo) => photo.error?.error ?? photo.state), ['file_missing', 'done'])
})

test('a body that API Gateway does not take is the same kind of error', async () => {
  const alice = phone({ options: { directBytes: 100 * MEGABYTE } })
  const task = await newTask(alice)

  const tooLarge = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(picture(2000, 5 * MEGABYTE))))
  const farTooLarge = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(picture(2000, 11 * MEGABYTE))))

  assert.deepEqual([tooLarge.error, tooLarge.errcode, tooLarge.errmsg], ['image_too_large', 41301, '图片太大'])
  assert.deepEqual([farTooLarge.error, farTooLarge.errcode, farTooLarge.errmsg], ['image_too_large', 41301, '图片太大'])
  assert.equal(farTooLarge.requestId, undefined)
})

/** Lets `decide` say what becomes of each upload; other calls pass. */
function cutting(decide) {
  let uploads = 0
  return async (call) => {
    if (call.api !== 'uploadFile') return {}
    uploads += 1
    const cut = await decide(call, uploads)
    return cut ? { cut } : {}
  }
}

/** Cuts each fifth request of any kind: before it is sent, in the middle, and after the server has done its work. */
function everyFifth() {
  let seen = 0
  const kinds = ['before', 'during', 'after']
  const network = () => {
    seen += 1
    if (seen % 5) return {}
    network.count += 1
    return { cut: kinds[network.count % 3] }
  }
  network.count = 0
  return network
}

function mostAtOnce(device) {
  const most = { uploads: 0 }
  device.onCall(() => {
    const now = device.calls.filter(({ api, ended, started }) => api === 'uploadFile' && started && !ended).length
    most.uploads = Math.max(most.uploads, now)
  })
  return most
}

const pathOf = (url) => new URL(url, GATEWAY).pathname
