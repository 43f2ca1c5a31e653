import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'

import { GATEWAY, calls, coffee, createClient, newTask, phone, refusal, someone } from './support.mjs'

test('a task is made once, even if the answer was lost', async () => {
  const alice = phone()
  await alice.client.login()
  let lost = 0
  alice.device.network = () => ((lost += 1) <= 2 ? { cut: 'after' } : {})

  const task = await alice.client.request('POST /tasks', { body: { title: '咖啡' } })

  assert.equal(task.title, '咖啡')
  const page = await alice.client.request('GET /tasks')
  assert.deepEqual(page.tasks.map(({ task_id: id }) => id), [task.task_id])
})

test('the second try of the same key makes no second task', async () => {
  const alice = phone()
  const call = { body: { title: 'once' }, idempotencyKey: someone('key') }

  const first = await alice.client.request('POST /tasks', call)
  const second = await alice.client.request('POST /tasks', call)

  assert.equal(second.task_id, first.task_id)
})

test('parameters of path and query arrive as they were given', async () => {
  const alice = phone()

  const error = await refusal(alice.client.request('GET /tasks/{task_id}', { path: { task_id: 'a?b&c=d%' } }))
  const page = await alice.client.request('GET /tasks', { query: { cursor: undefined } })

  assert.equal(error.error, 'task_not_found')
  assert.deepEqual(page.tasks, [])
  assert.ok(alice.device.calls.some(({ url }) => url === `${GATEWAY}/tasks/a%3Fb%26c%3Dd%25`))
})

test('a photo is taken away, and again', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  const call = { path: { task_id: task, name } }

  assert.equal(await alice.client.request('DELETE /tasks/{task_id}/images/{name}', call), undefined)
  assert.equal(await alice.client.request('DELETE /tasks/{task_id}/images/{name}', call), undefined)

  const [image] = await alice.client.resolveImages([name])
  assert.equal(image.state, 'missing')
})

test('a hundred names are asked for by fifties, in their order, doubles kept', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  const names = Array.from({ length: 100 }, (_, at) => `unknown${at}.jpg`)
  names.splice(70, 0, name, name)

  const images = await alice.client.resolveImages(names)

  assert.deepEqual(images.map((image) => image.name), names)
  assert.deepEqual(images.filter(({ state }) => state === 'ready').map((image) => image.name), [name, name])
  assert.equal(calls(alice).filter((call) => call === 'POST /images/resolve').length, 3)
})

test('addresses are remembered until shortly before they end', async (t) => {
  const alice = phone()
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  const asked = () => calls(alice).filter((call) => call === 'POST /images/resolve').length

  const [first] = await alice.client.resolveImages([name])
  const [second] = await alice.client.resolveImages([name])
  assert.equal(second.url, first.url)
  assert.equal(asked(), 1)

  t.mock.timers.enable({ apis: ['Date'], now: Date.parse(first.expires_at) - 30000 })
  await alice.client.resolveImages([name])
  assert.equal(asked(), 2)
})

test('what is missing is asked for again', async () => {
  const alice = phone()

  await alice.client.resolveImages(['nothing.jpg'])
  await alice.client.resolveImages(['nothing.jpg'])

  assert.equal(calls(alice).filter((call) => call === 'POST /images/resolve').length, 2)
})

test('the address of an image leads to its bytes, for whoever has it', async () => {
  const [alice, bob] = [phone(), phone()]
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))

  const path = await new Promise((success, fail) => bob.wx.downloadFile({
    url: bob.client.imageUrl(name), success: ({ tempFilePath }) => success(tempFilePath), fail,
  }))

  const shown = bob.device.file(path)
  assert.deepEqual([...shown.slice(0, 3)], [0xff, 0xd8, 0xff])
  assert.ok(!Buffer.from(shown).includes('PRIVATE-SERIAL'), 'the metadata did not come along')
  assert.equal(bob.client.imageUrl('a.jpg', { variant: 'thumb' }), `${GATEWAY}/images/a.jpg?variant=thumb`)
})

test('a route of one’s own that posts is not sent twice', async () => {
  const alice = phone()
  await alice.client.login()
  alice.device.network = () => ({ cut: 'after' })

  const error = await refusal(alice.client.request('POST /orders', { body: { coffee: 1 } }))

  assert.equal(error.error, 'network_error')
  assert.equal(alice.device.calls.filter(({ url }) => url.endsWith('/orders')).length, 1)
})

test('a domain that is on no list is an error that no retry helps', async () => {
  const alice = phone({ domains: { request: ['https://api.example.com:8443'] }, hosts: { 'https://api.example.com': GATEWAY },
    options: { baseUrl: 'https://api.example.com' } })

  const error = await refusal(alice.client.login())

  assert.equal(error.error, 'domain_not_allowed')
  assert.equal(alice.device.calls.length, 1)
})

test('a phone that refuses more than ten calls at once is asked again', async () => {
  const alice = phone({ tooMany: 'fail' })
  await alice.client.login()
  let release
  const until = new Promise((resolve) => { release = resolve })
  alice.device.network = ({ url }) => (url.endsWith('/session') ? until : {})
  for (let page = 0; page < 10; page += 1) alice.wx.request({ url: `${GATEWAY}/session`, fail() {} })

  const asked = alice.client.request('GET /tasks')
  alice.device.onCall(({ fault }) => { if (fault === 'too many') release({ cut: 'before' }) })

  assert.deepEqual((await asked).tasks, [])
  assert.ok(alice.device.calls.some(({ fault }) => fault === 'too many'))
})

test('a base library without error numbers is understood, too', async () => {
  const alice = phone({ errnos: false })
  await alice.client.login()
  let cuts = 0
  alice.device.network = () => ((cuts += 1) <= 2 ? { cut: 'before' } : {})

  assert.deepEqual((await alice.client.request('GET /tasks')).tasks, [])
  assert.equal(cuts, 3)
})

// What phones have been seen to say, by kind of system and age of the base library.
for (const [fault, error, tries] of [
  [{ errno: 600001, errMsg: 'request:fail errcode:-103 cronet_error_code:-103 error_msg:net::ERR_CONNECTION_ABORTED' }, 'network_error', 2],
  [{ errno: 600001, errMsg: 'request:fail errcode:-7 cronet_error_code:-7 error_msg:net::ERR_TIMED_OUT' }, 'timeout', 2],
  [{ errno: 600003, errMsg: 'request:fail network interrupted error' }, 'interrupted', 2],
  [{ errMsg: 'request:fail interrupted' }, 'interrupted', 2],
  [{ errno: 5, errMsg: 'request:fail timeout' }, 'timeout', 2],
  [{ errMsg: 'request:fail socket timeout' }, 'timeout', 2],
  [{ errMsg: 'request:fail 似乎已断开与互联网的连接。' }, 'network_error', 2],
  [{ errno: 600009, errMsg: 'request:fail invalid URL' }, 'network_error', 1],
  [{ errno: 600002, errMsg: 'request:fail url not in domain list' }, 'domain_not_allowed', 1],
  [{ errMsg: 'request:fail abort' }, 'aborted', 1],
]) {
  test(`${fault.errMsg} is ${error}, after ${tries} tries`, async () => {
    let asked = 0
    const alice = phone()
    const wx = { ...alice.wx, request: ({ fail }) => { asked += 1; fail(fault); return { abort() {} } } }

    const refused = await refusal(createClient({ baseUrl: GATEWAY, wx, firstPause: 1, attempts: 2 }).login())

    assert.deepEqual([refused.error, asked, refused.cause], [error, tries, fault])
  })
}

// These come from API Gateway of AWS or from a stranger on the way; no function of ours can be made to answer so.
for (const [status, body, error, errcode, errmsg, tries] of [
  [429, '{"message":"Too Many Requests"}', 'too_many_requests', 42901, '请求过于频繁', 3],
  [500, '{"message":"Internal Server Error"}', 'internal', 50001, '系统错误', 3],
  [503, '{"message":"Service Unavailable"}', 'busy', 50302, '系统繁忙，请稍后再试', 3],
  [200, '<html>Sign in to the Wi-Fi</html>', 'bad_answer', 0, '服务异常，请稍后再试', 3],
  [403, '{"message":"Forbidden"}', 'bad_answer', 0, '服务异常，请稍后再试', 1],
]) {
  test(`${status} ${body} is ${error}, after ${tries} tries`, async (t) => {
    const server = createServer((_, answer) => answer.writeHead(status, { 'content-type': 'application/json' }).end(body))
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
    t.after(() => server.close())
    const alice = phone({ options: { attempts: 3, baseUrl: `http://127.0.0.1:${server.address().port}` } })

    const refused = await refusal(alice.client.login())

    assert.deepEqual([refused.error, refused.errcode, refused.errmsg, refused.status], [error, errcode, errmsg, status])
    assert.equal(alice.device.calls.length, tries)
  })
}
