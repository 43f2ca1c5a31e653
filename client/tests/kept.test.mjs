// Batches that outlive the app, and photos that come back to the phone.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { GATEWAY, closable, coffee, listed, newTask, phone, picture, refusal, restarted } from './support.mjs'

/** A batch of which two photos are done when the app ends. */
async function endedInTheMiddle({ count = 5, options = {} } = {}) {
  const alice = phone()
  const { wx, close } = closable(alice)
  const first = restarted({ wx }, { parallel: 1, ...options })
  const task = await newTask({ client: first })
  const files = Array.from({ length: count }, (_, at) => alice.device.addFile(picture(at + 1)))
  await new Promise((reached) => {
    first.uploadTaskImages(task, files, { keepBatch: true, onProgress: ({ done }) => { if (done === 2) reached() } })
  })
  await new Promise((third) => setImmediate(third))
  close()
  return { alice, task, client: restarted(alice, options) }
}

async function goOn(client) {
  const batches = client.keptBatches()
  const photos = await Promise.all(batches.map(({ taskId, files }) => client.uploadTaskImages(taskId, files, { keepBatch: true })))
  return photos.flat()
}

test('a batch that is kept goes on when the app is started again, and each photo is there once', async () => {
  const { alice, task, client } = await endedInTheMiddle()

  const photos = await goOn(client)

  assert.deepEqual(photos.map(({ state }) => state), ['done', 'done', 'done'])
  assert.deepEqual((await listed(alice, task)).map(({ width }) => width).sort(), [1, 2, 3, 4, 5])
  assert.deepEqual(client.keptBatches(), [])
})

test('a photo whose answer was lost with the app is there once', async () => {
  const alice = phone()
  const { wx, close } = closable(alice)
  const first = restarted({ wx })
  const task = await newTask({ client: first })
  alice.device.network = ({ api }) => (api === 'uploadFile' ? { cut: 'after' } : {})
  await new Promise((lost) => {
    first.uploadTaskImages(task, [alice.device.addFile(coffee())], {
      keepBatch: true, onProgress: ({ photos }) => { if (photos[0].state === 'retrying') lost() },
    })
  })
  close()
  alice.device.network = undefined

  await goOn(restarted(alice))

  assert.equal((await listed(alice, task)).length, 1)
})

test('a photo that is lost is said to be, and is kept no longer', async () => {
  const { alice, task, client } = await endedInTheMiddle()
  const [{ files: [, lost] }] = client.keptBatches() // the one before may have arrived
  alice.device.removeFile(lost.filePath)

  const photos = await goOn(client)

  assert.deepEqual(photos.map(({ state, error }) => error?.error ?? state), ['done', 'file_missing', 'done'])
  assert.equal((await listed(alice, task)).length, 4)
  assert.deepEqual(client.keptBatches(), [])
})

test('where files cannot be saved, what is lost is said', async () => {
  const alice = phone({ options: { parallel: 1, attempts: 1 } })
  const task = await newTask(alice)
  const files = alice.wx.getFileSystemManager()
  const wx = { ...alice.wx, getFileSystemManager: () => ({ ...files, saveFile: ({ fail }) => fail({ errMsg: 'saveFile:fail the maximum size of the file storage limit is exceeded' }) }) }
  alice.device.network = ({ api }) => (api === 'uploadFile' ? { cut: 'before' } : {})
  const [first] = await restarted({ wx }, { attempts: 1 }).uploadTaskImages(task, [alice.device.addFile(coffee())], { keepBatch: true })
  assert.equal(first.error.error, 'network_error')
  alice.device.end()
  alice.device.network = undefined

  const photos = await goOn(restarted(alice))

  assert.deepEqual(photos.map(({ error }) => error.error), ['file_missing'])
})

test('what is being sent is not offered a second time', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const seen = []

  await alice.client.uploadTaskImages(task, [alice.device.addFile(coffee())], {
    keepBatch: true, onProgress: () => seen.push(...alice.client.keptBatches()),
  })

  assert.deepEqual(seen, [])
})

test('a photo that the user takes off the list does not go on, and its file is removed', async () => {
  const { alice, client } = await endedInTheMiddle()
  const [{ files: [first, ...others] }] = client.keptBatches()

  client.forgetUpload(first.uploadId)
  await new Promise((resume) => setTimeout(resume))

  assert.deepEqual(client.keptBatches()[0].files, others)
  assert.equal(alice.device.file(first.filePath), undefined)
})

test('the saved files of photos that are done are removed', async () => {
  const alice = phone()
  const task = await newTask(alice)

  const photos = await alice.client.uploadTaskImages(task, [alice.device.addFile(coffee())], { keepBatch: true })
  await new Promise((resume) => setTimeout(resume))

  assert.match(photos[0].filePath, /store/)
  assert.equal(alice.device.file(photos[0].filePath), undefined)
})

test('a file that the page has saved itself is not removed', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const files = alice.wx.getFileSystemManager()
  const own = await new Promise((saved) => files.saveFile({ tempFilePath: alice.device.addFile(coffee()), success: ({ savedFilePath }) => saved(savedFilePath) }))
  const wx = { ...alice.wx, getFileSystemManager: () => ({ ...files, saveFile: ({ fail }) => fail({ errMsg: 'saveFile:fail' }) }) }

  await restarted({ wx }).uploadTaskImages(task, [own], { keepBatch: true })

  assert.ok(alice.device.file(own))
})

test('a batch that is not kept leaves nothing on the phone', async () => {
  const alice = phone()
  const task = await newTask(alice)

  await alice.client.uploadTaskImages(task, [alice.device.addFile(coffee())])

  assert.equal(alice.wx.getStorageSync(`mini-functions ${GATEWAY} photos`), '')
})

// ---- download --------------------------------------------------------------------------------------------------------------

test('an image comes back to the phone as a file, with progress', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const { name, bytes } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  const heard = []

  const path = await alice.client.download(name, { onProgress: ({ progress }) => heard.push(progress) })

  assert.equal(alice.device.file(path).length, bytes)
  assert.deepEqual(heard, [...heard].sort((a, b) => a - b))
  assert.equal(heard.at(-1), 1)
})

test('a download that breaks is tried again', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  let cuts = 0
  alice.device.network = ({ api }) => (api === 'downloadFile' && (cuts += 1) <= 2 ? { cut: 'after' } : {})

  assert.ok(alice.device.file(await alice.client.download(name)))
  assert.equal(cuts, 3)
})

test('an address that has ended meanwhile is replaced', async () => {
  const alice = phone()
  const task = await newTask(alice)
  const { name } = await alice.client.uploadTaskImage(task, alice.device.addFile(coffee()))
  let first = true
  const downloadFile = (option) => {
    const ended = first
    first = false
    return alice.wx.downloadFile(ended ? { ...option, url: option.url.replace(/X-Amz-Date=\d{4}/, 'X-Amz-Date=2020') } : option)
  }
  const client = restarted({ wx: { ...alice.wx, downloadFile } })

  assert.ok(alice.device.file(await client.download(name)))
  assert.deepEqual(alice.device.calls.filter(({ api }) => api === 'downloadFile').map(({ status }) => status), [403, 200])
})

test('an image that is not there is an error, and no default image', async () => {
  const alice = phone()

  const error = await refusal(alice.client.download('nothing.jpg'))

  assert.deepEqual([error.error, error.retryable], ['not_found', false])
})
