// Photos on their way, for each user and task: they go on while another task is looked at.

import { createAbort } from './sdk/index.js'
import { clientOf, deviceOf } from './users.js'

const photos = []
let made = 0
let changed = () => {}

/** `listener(photo, image)`: with an image when it has arrived. */
export function onChange(listener) {
  changed = listener
}

export const uploadsOf = (user, taskId) => photos.filter((photo) => photo.user === user && photo.taskId === taskId)

export function upload(user, taskId, file) {
  made += 1
  const photo = { id: made, user, taskId, file, preview: URL.createObjectURL(file), state: 'waiting', progress: 0 }
  photos.push(photo)
  return send(photo)
}

export async function send(photo) {
  const { user, taskId, file, uploadId } = photo
  const abort = createAbort()
  Object.assign(photo, { state: 'waiting', progress: 0, error: undefined, reason: undefined, cancel: abort.abort })
  changed(photo)
  try {
    photo.filePath ??= deviceOf(user).addFile(await file.arrayBuffer())
    const image = await clientOf(user).uploadTaskImage(taskId, photo.filePath, {
      uploadId,
      signal: abort.signal,
      onProgress({ state, progress, seconds, error: reason }) {
        if (state === 'done' || state === 'failed') return // what follows says it
        Object.assign(photo, { state, progress, seconds, reason })
        changed(photo)
      },
    })
    discard(photo, image)
  } catch (error) {
    if (error.error === 'aborted') return discard(photo)
    // With the upload id of this try the next one adds nothing twice.
    Object.assign(photo, { state: 'failed', error, uploadId: error.uploadId })
    changed(photo)
  }
  return undefined
}

export function discard(photo, image) {
  photos.splice(photos.indexOf(photo), 1)
  photo.state = 'gone'
  deviceOf(photo.user).removeFile(photo.filePath)
  URL.revokeObjectURL(photo.preview)
  changed(photo, image)
}
