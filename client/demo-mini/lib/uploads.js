/**
 * Photos on their way, task by task. They belong to the app and not to a page: a batch goes on while its page is left, and
 * whoever comes back finds it.
 */
function createUploads(client) {
  const photos = []
  const listeners = new Set()
  let count = 0

  const tell = (taskId, arrived) => listeners.forEach((listener) => listener(taskId, arrived))

  function add(taskId, filePaths) {
    const added = filePaths.map((filePath) => {
      count += 1
      return { id: count, taskId, filePath, percent: 0, error: '' }
    })
    photos.push(...added)
    tell(taskId)
    return Promise.all(added.map(send))
  }

  async function send(photo) {
    Object.assign(photo, { percent: 0, error: '' })
    tell(photo.taskId)
    try {
      const image = await client.uploadTaskImage(photo.taskId, photo.filePath, {
        uploadId: photo.uploadId,
        onProgress: ({ progress }) => {
          photo.percent = Math.round(progress * 100)
          tell(photo.taskId)
        },
      })
      drop(photo)
      tell(photo.taskId, image)
    } catch (error) {
      photo.error = error.errmsg
      // For the next try: a photo whose answer was lost is not added twice.
      photo.uploadId = error.uploadId
      tell(photo.taskId)
    }
  }

  function drop(photo) {
    const at = photos.indexOf(photo)
    if (at >= 0) photos.splice(at, 1)
  }

  return {
    add,
    of: (taskId) => photos.filter((photo) => photo.taskId === taskId),
    retry: (id) => send(photos.find((photo) => photo.id === id)),
    discard(id) {
      const photo = photos.find((candidate) => candidate.id === id)
      drop(photo)
      tell(photo.taskId)
    },
    /** Calls `listener(taskId, arrived)` at every change, until what is returned is called. */
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

module.exports = { createUploads }
