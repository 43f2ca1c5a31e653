// Not run: `tsc` has to accept this, and to refuse what is marked.
import { ApiError, createAbort, createClient } from '../sdk/index'

const client = createClient({ baseUrl: 'https://api.example.com' })

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
  const session = await client.request('GET /session')
  void [next, width, gone, found.images[0].state, mine, session.expires_at]

  // @ts-expect-error a task has no price
  void task.price
  // @ts-expect-error a page has no images
  void page.images
  // @ts-expect-error there is no such size
  client.imageUrl('a.jpg', { variant: 'huge' })
}

export async function aPageUploads(path: string): Promise<void> {
  const abort = createAbort()
  wx.onAppHide(() => abort.abort())
  try {
    const image = await client.uploadTaskImage('t', path, { signal: abort.signal, onProgress: ({ progress }) => void progress })
    wx.previewImage({ urls: [image.url] })
  } catch (error) {
    if (error instanceof ApiError) wx.showToast({ title: error.errmsg, icon: 'none' })
  }
}
