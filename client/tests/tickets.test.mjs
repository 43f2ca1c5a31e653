// Photos that are too large for the API go to S3 by a ticket. Here all do: `directBytes` is 1.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'

import { coffee, createAbort, createClient, GATEWAY, given, listed, newTask, phone, picture, refusal } from './support.mjs'

const S3 = given('S3')
const MEGABYTE = 1024 * 1024
const DIRECTLY = { directBytes: 1, firstPause: 50 }

test('a photo that is too large for the API goes to S3, and is ready when the upload ends', async () => {
  const alice = phone({ options: { firstPause: 100 } })
  const task = await newTask(alice)
  const heard = []

  const image = await alice.client.uploadTaskImage(task, alice.device.addFile(picture(1300, 5 * MEGABYTE)), {
    onProgress: ({ progress }) => heard.push(progress),
  })

  assert.deepEqual([image.state, image.width], ['ready', 1300])
  assert.deepEqual((await listed(alice, task)).map(({ name, state }) => [name, state]), [[image.name, 'ready']])
  assert.deepEqual(heard, [...heard].sort((a, b) => a - b))
  assert.equal(heard.at(-1), 1)
  assert.equal(sentToS3(alice).length, 1)
})

test('a photo that came through S3 has lost its metadata, too', async () => {
  const alice = phone({ options: DIRECTLY })
  const task = await newTask(alice)

  const { url, width, height } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))

  assert.deepEqual([width, height], [240, 320])
  const shown = Buffer.from(await (await fetch(url)).arrayBuffer())
  assert.ok(!shown.includes('PRIVATE-SERIAL') && coffee().includes('PRIVATE-SERIAL'))
})

test('a ticket that ran out is replaced by a fresh one', async () => {
  const alice = phone()
  const task = await newTask(alice)
  let tickets = 0
  const uploadFile = (option) => {
    if (!option.url.startsWith(S3)) return alice.wx.uploadFile(option)
    tickets += 1
    return alice.wx.uploadFile(tickets <= 2 ? { ...option, formData: ranOut(option.formData) } : option)
  }
  const client = createClient({ baseUrl: GATEWAY, wx: { ...alice.wx, uploadFile }, ...DIRECTLY })

  const image = await client.uploadTaskImage(task, alice.device.addFile(picture(7)))

  assert.deepEqual(sentToS3(alice).map(({ status }) => status), [403, 403, 201])
  assert.deepEqual((await listed(alice, task)).map(({ name, width }) => [name, width]), [[image.name, 7]])
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

test('while S3 refuses, nothing looks as if it were done', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const uploadFile = (option) => alice.wx.uploadFile({ ...option, formData: { ...option.formData, key: 'images/mine.jpg' } })
  const client = createClient({ baseUrl: GATEWAY, wx: { ...alice.wx, uploadFile }, attempts: 3, ...DIRECTLY })
  const heard = []

  await refusal(client.uploadTaskImage(task, alice.device.addFile(picture(7)), { onProgress: (photo) => heard.push(photo) }))

  assert.ok(heard.every(({ progress }) => progress < 1))
  const retries = heard.filter(({ state }) => state === 'retrying')
  assert.deepEqual(retries.map(({ attempt, error }) => [attempt, error.error]), [[2, 'upload_refused'], [3, 'upload_refused']])
  assert.equal(heard.at(-1).state, 'failed')
})

test('twenty photos by tickets over a network that cuts every fifth request are twenty images, in order', async () => {
  const alice = phone({ options: DIRECTLY })
  const task = await newTask(alice)
  const widths = Array.from({ length: 20 }, (_, at) => at + 1)
  let seen = 0
  alice.device.network = () => ((seen += 1) % 5 ? {} : { cut: ['before', 'during', 'after'][seen % 3] })

  const photos = await alice.client.uploadTaskImages(task, widths.map((width) => alice.device.addFile(picture(width))), { inOrder: true })

  assert.deepEqual(photos.map(({ image, error }) => image?.width ?? error.error), widths)
  alice.device.network = undefined
  assert.deepEqual((await listed(alice, task)).map(({ width, state }) => [width, state]), widths.map((width) => [width, 'ready']))
})

test('large and small photos of one batch stand in the order in which they were chosen', async () => {
  const alice = phone({ options: { directBytes: 3000, firstPause: 50 } })
  const task = await newTask(alice)
  const sizes = [0, 5000, 0, 5000, 5000, 0]

  await alice.client.uploadTaskImages(task, sizes.map((size, at) => alice.device.addFile(picture(at + 1, size))), { inOrder: true })

  assert.deepEqual((await listed(alice, task)).map(({ width }) => width), [1, 2, 3, 4, 5, 6])
  assert.equal(sentToS3(alice).length, 3)
})

test('what S3 took and is no photo is rejected with a text', async () => {
  const alice = phone({ options: DIRECTLY })
  const task = await newTask(alice)

  const torn = await refusal(alice.client.uploadTaskImage(task, alice.device.addFile(coffee().subarray(0, 9000))))

  assert.deepEqual([torn.error, torn.errmsg, torn.retryable], ['image_incomplete', '图片不完整，请重新选择', false])
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
