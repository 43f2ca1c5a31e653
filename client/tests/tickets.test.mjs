// Photos that are too large for the API go to S3 by a ticket. Here all do: `directBytes` is 1.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'

import { coffee, createAbort, createClient, GATEWAY, given, listed, newTask, phone, picture, refusal } from './support.mjs'

const S3 = given('S3')
const MEGABYTE = 1024 * 1024
const DIRECTLY = { directBytes: 1, firstPause: 50 }

test('a ticket that ran out is replaced by a fresh one, and the photo has one place in the task', async () => {
  const alice = phone()
  const task = await newTask(alice)
  let tickets = 0
  const uploadFile = (option) => {
    if (!option.url.startsWith(S3)) return alice.wx.uploadFile(option)
    tickets += 1
    return alice.wx.uploadFile(tickets <= 2 ? { ...option, formData: ranOut(option.formData) } : option)
  }
  const client = createClient({ baseUrl: GATEWAY, wx: { ...alice.wx, uploadFile }, ...DIRECTLY })
  const abort = createAbort()
  alice.device.onCall(({ url, status }) => { if (url.startsWith(S3) && status === 201) abort.abort() })

  await refusal(client.uploadTaskImage(task, alice.device.addFile(picture(7)), { signal: abort.signal }))

  assert.deepEqual(sentToS3(alice).map(({ status }) => status), [403, 403, 201])
  assert.equal((await listed(alice, task)).length, 1)
})

test('a form that S3 never takes is an error with a text', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const uploadFile = (option) => alice.wx.uploadFile({ ...option, formData: { ...option.formData, key: 'images/mine.jpg' } })
  const client = createClient({ baseUrl: GATEWAY, wx: { ...alice.wx, uploadFile }, attempts: 2, ...DIRECTLY })

  const error = await refusal(client.uploadTaskImage(task, alice.device.addFile(picture(7))))

  assert.deepEqual([error.error, error.status, error.errmsg], ['upload_refused', 403, '图片上传失败，请重试'])
  assert.match(error.uploadId, /./)
})

test('no ticket is given for what would be refused anyway', async () => {
  const alice = phone({ options: DIRECTLY })
  const task = await newTask(alice)
  const upload = (bytes) => refusal(alice.client.uploadTaskImage(task, alice.device.addFile(bytes)))

  const heic = await upload(coffee('coffee.heic'))
  const text = await upload(coffee('text.jpg'))
  const huge = await upload(Buffer.concat([coffee(), Buffer.alloc(20 * MEGABYTE)]))

  assert.deepEqual([heic.error, heic.errmsg], ['image_unsupported', '不支持HEIC图片，请选择压缩图或JPEG'])
  assert.deepEqual([text.error, text.errmsg], ['image_unsupported', '不支持的图片格式'])
  assert.deepEqual([huge.error, huge.errmsg], ['image_too_large', '图片太大'])
  assert.deepEqual(sentToS3(alice), [])
})

test('an upload to S3 can be called off, and is never shown', async () => {
  const alice = phone({ options: DIRECTLY })
  const task = await newTask(alice)
  const abort = createAbort()

  const error = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(picture(300, MEGABYTE)), {
    signal: abort.signal, onProgress: () => abort.abort(),
  }))

  assert.equal(error.error, 'aborted')
  assert.deepEqual((await listed(alice, task)).filter(({ state }) => state === 'ready'), [])
})

test('an upload to a task of someone else gets no ticket', async () => {
  const [alice, bob] = [phone(), phone({ options: DIRECTLY })]
  const task = await newTask(alice)

  const error = await refusal(bob.client.uploadTaskImage(task, bob.device.addFile(picture(7))))

  assert.equal(error.error, 'task_not_found')
  assert.deepEqual(sentToS3(bob), [])
})

function sentToS3({ device }) {
  return device.calls.filter(({ api, url }) => api === 'uploadFile' && url.startsWith(S3))
}

/** The same form, but from an hour ago: signed with the stack's own key, so that its end is all that is wrong with it. */
function ranOut(fields) {
  const named = (name) => Object.keys(fields).find((field) => field.toLowerCase() === name)
  const policy = JSON.parse(Buffer.from(fields[named('policy')], 'base64'))
  policy.expiration = new Date(Date.now() - 60000).toISOString()
  const encoded = Buffer.from(JSON.stringify(policy)).toString('base64')
  const [, day, region, service] = fields[named('x-amz-credential')].split('/')
  const key = [day, region, service, 'aws4_request'].reduce((secret, part) => hmac(secret, part), `AWS4${given('AWS_SECRET_ACCESS_KEY')}`)
  return { ...fields, [named('policy')]: encoded, [named('x-amz-signature')]: hmac(key, encoded).toString('hex') }
}

const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
