// What public reports say of phones: storages that fail, tasks that are missing, clocks that are wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ApiError, GATEWAY, calls, coffee, createClient, listed, newTask, phone, refusal, restarted } from './support.mjs'

const HOUR = 3600 * 1000

/** A client on a phone some of whose calls are others. */
function clientOn({ wx }, others, options) {
  return restarted({ wx: { ...wx, ...others } }, options)
}

const throwing = (name) => ({ [name]() { throw new Error(`${name}:fail`) } })

test('a storage that takes nothing keeps nobody out, and signs in once', async () => {
  const alice = phone()
  const client = clientOn(alice, throwing('setStorageSync'))

  await client.request('GET /tasks')
  await client.request('GET /tasks')

  assert.deepEqual(calls(alice), ['POST /session', 'GET /tasks', 'GET /tasks'])
})

for (const name of ['getStorageSync', 'setStorageSync', 'removeStorageSync', 'onAppShow', 'onAppHide', 'onNetworkStatusChange',
  'getNetworkType', 'getAccountInfoSync', 'getFileSystemManager']) {
  for (const [what, others] of [['throws', throwing(name)], ['is missing', { [name]: undefined }]]) {
    test(`where wx.${name} ${what}, photos are stored all the same`, async () => {
      const alice = phone()
      const client = clientOn(alice, others)

      const task = await newTask({ client })
      const image = await client.uploadTaskImage(task, alice.device.addFile(coffee()))
      const photos = await client.uploadTaskImages(task, [alice.device.addFile(coffee('avatar.png'))], { keepBatch: true })

      assert.deepEqual((await listed({ client }, task)).map((listed) => listed.name), [image.name, photos[0].image.name])
      await client.logout()
      assert.equal(client.session, null)
    })
  }
}

for (const junk of [undefined, null, '', 'undefined', 5, true, [], {}, { session_id: 5, user_id: 6 }, { user_id: 'x' }, () => {}]) {
  test(`${typeof junk} ${JSON.stringify(junk)} in the storage is no session and no batch`, async () => {
    const alice = phone()
    const client = clientOn(alice, { getStorageSync: () => junk })

    assert.equal(client.session, null)
    assert.deepEqual(client.keptBatches(), [])
    assert.deepEqual((await client.request('GET /tasks')).tasks, [])
    assert.deepEqual(calls(alice), ['POST /session', 'GET /tasks'])
  })
}

test('a batch that is half junk gives what is none', async () => {
  const alice = phone()
  const kept = { taskId: 't', filePath: 'wxfile://a', uploadId: 'u' }
  const client = clientOn(alice, { getStorageSync: () => [null, 5, {}, { ...kept, taskId: undefined }, kept] })

  assert.deepEqual(client.keptBatches(), [{ taskId: 't', files: [{ filePath: 'wxfile://a', uploadId: 'u' }] }])
})

test('an answer without a session is none', async () => {
  const alice = phone()
  const request = ({ success }) => setTimeout(() => success({ statusCode: 200, data: {} }))

  const error = await refusal(clientOn(alice, { request }, { attempts: 2 }).login())

  assert.equal(error.error, 'bad_answer')
})

test('a photo is sent once where wx.uploadFile returns nothing', async () => {
  const alice = phone()
  const client = clientOn(alice, { uploadFile: (option) => { alice.wx.uploadFile(option) } })
  const task = await newTask({ client })

  await client.uploadTaskImage(task, alice.device.addFile(coffee()), { onProgress() {} })

  assert.equal(alice.device.calls.filter(({ api }) => api === 'uploadFile').length, 1)
})

test('a photo that is called off where wx.uploadFile returns nothing fails with aborted', async () => {
  const alice = phone()
  const client = clientOn(alice, { uploadFile: () => {} })
  const task = await newTask({ client })
  const abort = new AbortController()

  const error = await refusal(client.uploadTaskImage(task, alice.device.addFile(coffee()), {
    signal: abort.signal, onProgress: ({ state }) => { if (state === 'sending') setTimeout(() => abort.abort()) },
  }))

  assert.equal(error.error, 'aborted')
})

for (const [where, wrong] of [['three days behind', -72], ['five hours ahead', 5], ['three days ahead', 72]]) {
  test(`on a phone whose clock is ${where}, addresses are kept for as long as they live`, async (t) => {
    const alice = phone()
    const task = await newTask(alice)
    const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
    const asked = () => calls(alice).filter((call) => call === 'POST /images/resolve').length
    const life = async () => Date.parse((await alice.client.resolveImages([name]))[0].expires_at) - realNow()
    const realNow = realClock()
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + wrong * HOUR })

    const milliseconds = await life()
    t.mock.timers.tick(milliseconds - 90 * 1000)
    await life()
    assert.equal(asked(), 1)

    t.mock.timers.tick(60 * 1000)
    await life()
    assert.equal(asked(), 2)
  })
}

test('addresses are not kept when the phone does not say what the server’s time is', async () => {
  const alice = phone()
  const client = clientOn(alice, {
    request: (option) => alice.wx.request({ ...option, success: ({ header, ...answer }) => option.success(answer) }),
  })
  const task = await newTask({ client })
  const { name } = await client.uploadTaskImage(task, alice.device.addFile(coffee()))

  await client.resolveImages([name])
  await client.resolveImages([name])

  assert.equal(calls(alice).filter((call) => call === 'POST /images/resolve').length, 2)
})

test('a status that comes as text is a status', async () => {
  const alice = phone()
  const textual = (api) => (option) => alice.wx[api]({
    ...option, success: (answer) => option.success({ ...answer, statusCode: String(answer.statusCode) }),
  })
  const client = clientOn(alice, { request: textual('request'), uploadFile: textual('uploadFile') }, { directBytes: 1 })

  const task = await newTask({ client })
  await client.uploadTaskImage(task, alice.device.addFile(coffee()))
  const error = await refusal(client.request('GET /tasks/{task_id}', { path: { task_id: 'none' } }))

  assert.deepEqual([error.error, error.status], ['task_not_found', 404])
})

test('a phone without Promise.prototype.finally is as good', async (t) => {
  const { finally: kept } = Promise.prototype
  delete Promise.prototype.finally
  t.after(() => { Promise.prototype.finally = kept })
  const alice = phone()

  const task = await newTask(alice)
  const [photo] = await alice.client.uploadTaskImages(task, [alice.device.addFile(coffee())], { keepBatch: true })
  await alice.client.download(photo.image.name)
  await alice.client.logout()

  assert.equal(photo.state, 'done')
})

test('a call of wx that throws ends with an ApiError, once', async () => {
  const alice = phone()
  let asked = 0
  const client = clientOn(alice, { request() { asked += 1; throw new TypeError('request:fail parameter error') } })

  const error = await refusal(client.request('GET /tasks'))

  assert.ok(error instanceof ApiError)
  assert.deepEqual([error.error, error.detail, error.retryable, asked], ['invalid_call', 'request:fail parameter error', false, 1])
})

test('a page that fails while it hears of the progress does not spoil the upload', async (t) => {
  const alice = phone()
  const task = await newTask(alice)
  const logged = t.mock.method(console, 'error', () => {})

  const image = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()), { onProgress() { throw new Error('page') } })

  assert.equal(image.state, 'ready')
  assert.equal(logged.mock.calls[0].arguments[0].message, 'page')
})

// ---- calls that cannot be --------------------------------------------------------------------------------------------------

for (const [what, options, says] of [
  ['nothing', undefined, /baseUrl/],
  ['null', null, /baseUrl/],
  ['an option that is written wrongly', { baseURL: GATEWAY }, /no option baseURL/],
  ['an address without https://', { baseUrl: 'api.example.com' }, /baseUrl is no https/],
  ['no platform', { baseUrl: GATEWAY, wx: undefined }, /no wx/],
  ['environments without the one that this is', { environments: { release: GATEWAY } }, /environments\.develop/],
]) {
  test(`createClient of ${what} says what is wrong`, () => {
    const { wx } = phone()
    const given = options && 'wx' in options ? options : options && { wx, ...options }
    globalThis.wx = what === 'no platform' ? undefined : wx

    assert.throws(() => createClient(given), (error) => {
      assert.ok(error instanceof ApiError)
      assert.equal(error.error, 'invalid_call')
      assert.match(error.message, says)
      return true
    })
  })
}

for (const [what, call] of [
  ['a route that is none', (client) => client.request('GET tasks')],
  ['no route', (client) => client.request()],
  ['a parameter of another name', (client) => client.request('GET /tasks/{task_id}', { path: { id: 'x' } })],
  ['no parameters', (client) => client.request('GET /tasks/{task_id}')],
  ['an empty parameter', (client) => client.request('GET /tasks/{task_id}', { path: { task_id: '' } })],
  ['dots as a parameter', (client) => client.request('DELETE /tasks/{task_id}/images/{name}', { path: { task_id: 't', name: '..' } })],
  ['a photo without a task', (client) => client.uploadTaskImage(undefined, 'wxfile://a')],
  ['a photo without a path', (client) => client.uploadTaskImage('t')],
  ['no photos', (client) => client.uploadTaskImages('t')],
  ['a photo that is none among photos', (client) => client.uploadTaskImages('t', ['wxfile://a', undefined])],
  ['an avatar without a path', (client) => client.uploadAvatar()],
  ['no names', (client) => client.resolveImages()],
]) {
  test(`${what} is an ApiError, and nothing is sent`, async () => {
    const alice = phone()

    const error = await refusal(call(alice.client))

    assert.ok(error instanceof ApiError, String(error))
    assert.equal(error.error, 'invalid_call')
    assert.match(error.errmsg, /^调用有误：./)
    assert.deepEqual(alice.device.calls, [])
  })
}

// ---- environments ----------------------------------------------------------------------------------------------------------

for (const version of ['develop', 'trial', 'release']) {
  test(`the ${version} version calls the back end of its own`, async () => {
    const environments = { develop: 'http://develop.example', trial: 'http://trial.example', release: 'http://release.example/api/' }
    const { wx } = phone({ version })

    const client = createClient({ environments, wx })

    const path = version === 'release' ? '/api/images/a.jpg' : '/images/a.jpg'
    assert.equal(client.imageUrl('a.jpg'), `http://${version}.example${path}`)
  })
}

test('where the platform does not say which version this is, it is the one that users have', () => {
  const { wx } = phone()
  const environments = { develop: 'http://develop.example', trial: 'http://trial.example', release: 'http://release.example' }

  const client = createClient({ environments, wx: { ...wx, getAccountInfoSync: undefined } })

  assert.equal(client.imageUrl('a.jpg'), 'http://release.example/images/a.jpg')
})

test('an address may have a path', async () => {
  const alice = phone()
  const asked = []
  const request = (option) => { asked.push(option.url); return alice.wx.request({ ...option, url: option.url.replace('/v1', '') }) }
  const client = createClient({ baseUrl: `${GATEWAY}/v1/`, wx: { ...alice.wx, request } })

  assert.deepEqual((await client.request('GET /tasks')).tasks, [])

  assert.deepEqual(asked, [`${GATEWAY}/v1/session`, `${GATEWAY}/v1/tasks`])
  assert.equal(client.avatarUrl('u'), `${GATEWAY}/v1/users/u/avatar`)
})

/** The real time, also where that of the phone is another. */
function realClock() {
  const [date, since] = [Date.now(), performance.now()]
  return () => date + performance.now() - since
}
