// What every test needs: phones on the emulator against a running local stack, and photos that can be told apart.

import { readFileSync } from 'node:fs'
import { deflateSync, crc32 } from 'node:zlib'

import { createWx } from '../wx-emulator/index.js'
import { transport } from '../wx-emulator/transport-node.js'
import sdk from '../sdk/index.js'

export const { ApiError, createAbort, createClient, placeholder } = sdk
export const GATEWAY = given('GATEWAY')

const SOON = 5 // milliseconds; nothing here waits as long as on a phone

/** A variable that `scripts/test_client.py` sets. */
export function given(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is missing: these tests are run by make test-client`)
  return value
}

/** Someone nobody else knows, so that tests can run side by side. */
export function someone(name = 'user') {
  return `${name}${Math.random().toString(36).slice(2, 12)}`
}

/** A phone with the client on it. */
export function phone({ user = someone(), options = {}, ...emulator } = {}) {
  const { wx, device } = createWx({ transport, user, ...emulator })
  const client = createClient({ baseUrl: GATEWAY, wx, firstPause: SOON, ...options })
  return { wx, device, client, user, options: emulator }
}

/** The same phone after the mini-program was started again: what is in the storage is still there. */
export function restarted({ wx }, options = {}) {
  return createClient({ baseUrl: GATEWAY, wx, firstPause: SOON, ...options })
}

/** `wx` for a mini-program that is closed by `close()`: nothing that it has begun is heard of, and it does nothing more. */
export function closable({ wx, device }) {
  let closed = false
  const whileOpen = (listener) => (typeof listener === 'function' ? (...heard) => (closed ? undefined : listener(...heard)) : listener)
  const ours = (option) => (option && typeof option === 'object'
    ? Object.fromEntries(Object.entries(option).map(([name, value]) => [name, whileOpen(value)]))
    : whileOpen(option))
  const muted = (api) => new Proxy(api, {
    get: (target, name) => (typeof target[name] !== 'function' ? target[name] : (...given) => {
      if (closed) return undefined
      const result = target[name](...(name.endsWith('StorageSync') ? given : given.map(ours)))
      return name === 'getFileSystemManager' ? muted(result) : result
    }),
  })
  return { wx: muted(wx), close() { closed = true; device.end() } }
}

/** What the phone asked for, as `POST /session`. */
export function calls({ device }) {
  return device.calls.filter((call) => !call.fault).map((call) => `${call.method} ${new URL(call.url).pathname}`)
}

export async function newTask({ client }, title = 'a task') {
  return (await client.request('POST /tasks', { body: { title } })).task_id
}

export async function listed({ client }, taskId) {
  return (await client.request('GET /tasks/{task_id}', { path: { task_id: taskId } })).images
}

export function coffee(name = 'coffee.jpg') {
  return readFileSync(new URL(`../../events/photos/${name}`, import.meta.url))
}

/** A picture known by its width, of `bytes` bytes at least. */
export function picture(width, bytes = 0) {
  const height = Math.max(2, Math.ceil(bytes / (width * 3)))
  const noise = Buffer.alloc((width * 3 + 1) * height)
  let state = width
  for (let at = 0; at < noise.length; at += 1) {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    noise[at] = at % (width * 3 + 1) === 0 ? 0 : state >> 16
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(noise, { level: 0 })), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type, data) {
  const typed = Buffer.concat([Buffer.from(type), data])
  const framed = Buffer.alloc(typed.length + 8)
  framed.writeUInt32BE(data.length, 0)
  typed.copy(framed, 4)
  framed.writeUInt32BE(crc32(typed), typed.length + 4)
  return framed
}

/** The error that a promise ends with. */
export async function refusal(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}
