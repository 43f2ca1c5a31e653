import http from 'node:http'
import https from 'node:https'

const STEPS = 8
const REDIRECTS = 5

/** Sends by Node's own client; `onSent` hears of each piece that has left the process. */
export function transport(request) {
  let current
  let aborted = false
  const go = async (url, left) => {
    const answer = await send({ ...request, url }, (sending) => { current = sending })
    const to = answer.headers.location
    if (answer.status < 300 || answer.status >= 400 || !to || left === 0 || aborted) return answer
    return go(new URL(to, url).href, left - 1)
  }
  return {
    done: go(request.url, REDIRECTS),
    abort() {
      aborted = true
      current?.destroy()
    },
  }
}

function send({ method, url, headers, body, onSent, onReceived }, started) {
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': body.length } : {}
    const sending = (url.startsWith('https:') ? https : http).request(url, { method, headers: { ...headers, ...length } })
    started(sending)
    sending.on('error', (error) => reject(new Error(error.code ?? error.message)))
    sending.on('response', (response) => {
      const pieces = []
      let received = 0
      response.on('data', (piece) => {
        pieces.push(piece)
        received += piece.length
        onReceived?.(received, Number(response.headers['content-length']))
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes: new Uint8Array(Buffer.concat(pieces)) }))
    })
    write(sending, body, onSent)
  })
}

async function write(sending, body, onSent) {
  const step = Math.ceil((body?.length ?? 0) / STEPS)
  for (let at = 0; body && at < body.length && !sending.destroyed; at += step) {
    await new Promise((left) => sending.write(body.subarray(at, at + step), left))
    onSent(Math.min(at + step, body.length))
  }
  if (!sending.destroyed) sending.end()
}
