// Not run: `tsc` has to accept this, and to refuse what is marked.
import miniFunctions, { ApiError, createAbort, createClient } from '../sdk/index.js'

const client = createClient({ baseUrl: 'https://api.example.com' })
createClient({ environments: { develop: 'http://127.0.0.1:8787', trial: 'https://t.example.com', release: 'https://r.example.com' } })
void miniFunctions.createClient

// @ts-expect-error an address is missing
createClient({})
// @ts-expect-error there is no such option
createClient({ baseUrl: 'https://api.example.com', retries: 3 })
// @ts-expect-error one of both, not both
createClient({ baseUrl: 'https://a.example.com', environments: { develop: 'a', trial: 'b', release: 'c' } })
// @ts-expect-error an environment is missing
createClient({ environments: { develop: 'http://127.0.0.1:8787', release: 'https://r.example.com' } })

export async function theTypesAreThoseOfTheApi(): Promise<void> {
  const task = await client.request('POST /tasks', { body: { title: '咖啡' } })
  const id: string = task.task_id
  const page = await client.request('GET /tasks', { query: { cursor: 'abc' } })
  const next: string | null = page.cursor
  const again = await client.request('GET /tasks/{task_id}', { path: { task_id: id } })
  const width: number | null = again.images[0].width
  const gone: undefined = await client.request('DELETE /tasks/{task_id}/images/{name}', { path: { task_id: id, name: 'a.jpg' } })
  const found = await client.request('POST /images/resolve', { body: { names: ['a.jpg'], variant: 'thumb' } })
  const mine: { price: number } = await client.request<{ price: number }>('GET /orders/{id}', { path: { id: 7 } })
  const other: unknown = await client.request('POST /orders', { body: { coffee: 1 } })
  const session = await client.request('GET /session')
  void [next, width, gone, found.images[0].state, mine, other, session.expires_at]

  // @ts-expect-error a task has no price
  void task.price
  // @ts-expect-error a page has no images
  void page.images
  // @ts-expect-error there is no such size
  client.imageUrl('a.jpg', { variant: 'huge' })
}

export function whatCannotBeDoesNotCompile(route: 'GET /tasks/{task_id}'): void {
  // @ts-expect-error the parameter has another name
  client.request('GET /tasks/{task_id}', { path: { id: 'x' } })
  // @ts-expect-error the parameter is missing
  client.request('GET /tasks/{task_id}')
  // @ts-expect-error one of two parameters is missing
  client.request('DELETE /tasks/{task_id}/images/{name}', { path: { task_id: 'x' } })
  // @ts-expect-error the field has another name
  client.request('POST /tasks', { body: { titel: 'x' } })
  // @ts-expect-error the field has another type
  client.request('POST /tasks', { body: { title: 5 } })
  // @ts-expect-error a field is missing
  client.request('POST /images/resolve', { body: {} })
  // @ts-expect-error the route has no body
  client.request('GET /tasks', { body: { title: 'x' } })
  // @ts-expect-error the parameter of the query has another name
  client.request('GET /tasks', { query: { curser: 'x' } })
  // @ts-expect-error the same by a name
  client.request(route)
  // @ts-expect-error there is no such setting
  client.request('GET /tasks', { idempotency: 'x' })
}

export async function aPageUploads(path: string): Promise<void> {
  const abort = createAbort()
  wx.onAppHide(() => abort.abort())
  try {
    const image = await client.uploadTaskImage('t', path, {
      signal: abort.signal,
      onProgress({ state, progress, attempt, seconds, error }) {
        if (state === 'retrying') wx.showToast({ title: `${error!.errmsg} ${attempt! + seconds!} ${progress}` })
        // @ts-expect-error there is no such state
        if (state === 'uploading') return
      },
    })
    wx.previewImage({ urls: [image.url] })
    await wx.saveImageToPhotosAlbum({ filePath: await client.download(image.name) })
    for (const { taskId, files } of client.keptBatches()) await client.uploadTaskImages(taskId, files, { keepBatch: true })
  } catch (error) {
    if (error instanceof ApiError) wx.showToast({ title: error.errmsg, icon: 'none' })
  }
}
