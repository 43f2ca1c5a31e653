// Browsers let nobody write these.
const FORBIDDEN = ['referer', 'content-length']

/** Sends by XMLHttpRequest, which alone tells a page how far an upload is. */
export function transport({ method, url, headers, body, onSent, onReceived }) {
  const sending = new XMLHttpRequest()
  const done = new Promise((resolve, reject) => {
    sending.open(method, url)
    sending.responseType = 'arraybuffer'
    for (const [name, value] of Object.entries(headers)) {
      if (!FORBIDDEN.includes(name.toLowerCase())) sending.setRequestHeader(name, value)
    }
    if (body) sending.upload.onprogress = (event) => onSent(event.loaded)
    sending.onprogress = (event) => { if (event.lengthComputable) onReceived?.(event.loaded, event.total) }
    sending.onload = () => resolve({ status: sending.status, headers: headersOf(sending), bytes: new Uint8Array(sending.response) })
    sending.onerror = () => reject(new Error('network'))
    sending.onabort = () => reject(new Error('abort'))
    sending.send(body)
  })
  return { done, abort: () => sending.abort() }
}

function headersOf(sending) {
  const lines = sending.getAllResponseHeaders().trim().split(/[\r\n]+/).filter(Boolean)
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]))
}
