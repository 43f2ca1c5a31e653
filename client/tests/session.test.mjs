import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ApiError, GATEWAY, calls, newTask, phone, refusal, restarted, someone } from './support.mjs'

const logins = (of) => calls(of).filter((call) => call === 'POST /session').length

test('the first call signs in by itself', async () => {
  const alice = phone()

  const page = await alice.client.request('GET /tasks')

  assert.deepEqual(page, { tasks: [], cursor: null })
  assert.deepEqual(calls(alice), ['POST /session', 'GET /tasks'])
})

test('ten calls at once sign in once', async () => {
  const alice = phone()

  await Promise.all(Array.from({ length: 10 }, () => alice.client.request('GET /tasks')))

  assert.equal(logins(alice), 1)
})

test('login gives the session at hand, and a new one only if told to', async () => {
  const alice = phone()

  const first = await alice.client.login()
  const again = await alice.client.login()
  const forced = await alice.client.login({ force: true })

  assert.equal(first.is_new_user, true)
  assert.equal(again, first)
  assert.notEqual(forced.session_id, first.session_id)
  assert.equal(forced.user_id, first.user_id)
  assert.equal(forced.is_new_user, false)
})

test('a mini-program that is started again goes on with its session', async () => {
  const alice = phone()
  const before = await alice.client.login()

  const after = await restarted(alice).login()

  assert.deepEqual(after, before)
  assert.equal(logins(alice), 1)
})

test('a session that has ended is replaced, and the call repeated', async () => {
  const alice = phone()
  const task = await newTask(alice)
  await revokeAll(alice.client.session)

  const again = await alice.client.request('GET /tasks/{task_id}', { path: { task_id: task } })

  assert.equal(again.task_id, task)
  assert.equal(logins(alice), 2)
})

test('calls that meet the end of the session together sign in once', async () => {
  const alice = phone()
  const { session_id: old } = await alice.client.login()
  await revokeAll(alice.client.session)

  await Promise.all(Array.from({ length: 6 }, () => alice.client.request('GET /tasks')))

  assert.notEqual(alice.client.session.session_id, old)
  assert.equal(logins(alice), 2)
})

test('a call that is refused again after signing in is not repeated a second time', async () => {
  const alice = phone()
  await alice.client.login()
  alice.device.network = async ({ url }) => { if (url.endsWith('/tasks')) await revokeAll(alice.client.session) }

  const error = await refusal(alice.client.request('GET /tasks'))

  assert.ok(error instanceof ApiError)
  assert.equal(error.error, 'session_invalid')
  assert.equal(error.errcode, 40101)
  assert.equal(error.errmsg, '没有建立会话或者会话信息出错')
  assert.match(error.requestId, /./)
  assert.deepEqual(calls(alice), ['POST /session', 'GET /tasks', 'POST /session', 'GET /tasks'])
})

test('a code that WeChat does not take is replaced once', async () => {
  const alice = phone()
  const good = alice.device.loginCode
  const codes = ['used', good()]
  alice.device.loginCode = () => codes.shift()

  await alice.client.login()

  assert.equal(logins(alice), 2)
})

test('codes that WeChat never takes are an error after the second', async () => {
  const alice = phone()
  alice.device.loginCode = () => 'expired'

  const error = await refusal(alice.client.request('GET /tasks'))

  assert.equal(error.error, 'code_invalid')
  assert.equal(error.retryable, false)
  assert.deepEqual(calls(alice), ['POST /session', 'POST /session'])
})

test('after an answer that was lost a fresh code is sent, never the old one', async () => {
  const alice = phone()
  const sent = []
  alice.device.network = ({ body }) => {
    sent.push(JSON.parse(new TextDecoder().decode(body)).code)
    return sent.length === 1 ? { cut: 'after' } : {}
  }

  await alice.client.login()

  assert.equal(new Set(sent).size, 2)
})

test('while WeChat is down, login waits as long as it is asked to', async () => {
  const alice = phone()
  const codes = ['busy', alice.device.loginCode()]
  alice.device.loginCode = () => codes.shift()

  const session = await alice.client.login()

  assert.equal(session.is_new_user, true)
  const [refused, done] = alice.device.calls
  assert.equal(refused.status, 503)
  assert.ok(done.started - (refused.started + refused.milliseconds) >= 1000, 'it was asked to wait')
})

test('whoever is asked to wait for a minute is told instead', async () => {
  const alice = phone()
  alice.device.loginCode = () => 'limited'

  const error = await refusal(alice.client.login())

  assert.equal(error.error, 'busy')
  assert.equal(error.retryAfter, 60)
  assert.equal(logins(alice), 1)
})

test('a blocked user is told so, once', async () => {
  const alice = phone()
  alice.device.loginCode = () => 'blocked'

  const error = await refusal(alice.client.login())

  assert.equal(error.error, 'login_blocked')
  assert.equal(logins(alice), 1)
})

test('signing out ends the session on the server and on the phone', async () => {
  const alice = phone()
  const session = await alice.client.login()

  await alice.client.logout()

  assert.equal(alice.client.session, null)
  assert.equal(alice.wx.getStorageSync(`mini-functions ${GATEWAY}`), '')
  assert.equal(await statusOf(session), 401)
})

test('signing out here leaves the other phone signed in, everywhere does not', async () => {
  const user = someone()
  const [here, there] = [phone({ user }), phone({ user })]
  const first = await there.client.login()
  await here.client.login()

  await here.client.logout()
  assert.equal(await statusOf(first), 200)

  await here.client.login()
  await here.client.logout({ everywhere: true })
  assert.equal(await statusOf(first), 401)
})

test('signing out everywhere works with a session that has ended already', async () => {
  const user = someone()
  const [here, there] = [phone({ user }), phone({ user })]
  const first = await there.client.login()
  await here.client.login()
  await revokeOne(here.client.session)

  await here.client.logout({ everywhere: true })

  assert.equal(await statusOf(first), 401)
  assert.equal(here.client.session, null)
})

test('without a network and without a session, login says so and works later', async () => {
  const alice = phone()
  alice.device.online = false

  const error = await refusal(alice.client.login())
  assert.equal(error.error, 'network_error')
  assert.equal(error.retryable, true)
  assert.equal(error.errcode, 0)

  alice.device.online = true
  assert.ok((await alice.client.login()).session_id)
})

test('without a network a mini-program starts with the session that it has', async () => {
  const alice = phone()
  const session = await alice.client.login()
  alice.device.online = false

  const client = restarted(alice)
  assert.deepEqual(await client.login(), session)

  const page = client.request('GET /tasks')
  alice.device.online = true
  assert.deepEqual((await page).tasks, [])
})

function headers(session) {
  return { 'session-id': session.session_id, 'user-id': session.user_id }
}

async function revokeAll(session) {
  await fetch(`${GATEWAY}/session?scope=all`, { method: 'DELETE', headers: headers(session) })
}

async function revokeOne(session) {
  await fetch(`${GATEWAY}/session`, { method: 'DELETE', headers: headers(session) })
}

async function statusOf(session) {
  return (await fetch(`${GATEWAY}/session`, { headers: headers(session) })).status
}
