// The part of `wx` that talks to servers, with the platform's rules: README.md lists them with their sources. Runs in Node
// and in browsers; what sends bytes is a transport.

import { multipart } from './multipart.js'
import { createStorage } from './storage.js'
import { domainFault } from './domains.js'

const DEFAULT_TIMEOUT = 60000
const INTERRUPTED_AFTER = 5000
const CALLS_AT_ONCE = 10

/**
 * A phone with one mini-program on it.
 *
 * - `transport`: from `transport-node.js` or `transport-browser.js`
 * - `user`: who holds the phone; the fake WeChat takes codes `dev-<user>-<nonce>`
 * - `domains`: `{ request, uploadFile, downloadFile }`, lists of allowed origins; without it nothing is checked, as with the
 *   developer tools' check switched off
 * - `hosts`: where an origin really is, as `{ 'https://api.example.com': 'http://127.0.0.1:8787' }`
 * - `storage`: something like `localStorage`, where it is to outlive the page
 * - `tooMany`: `'queue'` or `'fail'`, for calls beyond ten
 * - `fileAnywhere`: puts the file before, between or after the fields of a form
 * - `errnos`: false, for a base library that has none
 * - `version`: `envVersion`, which says whether this is the developer's, the trial or the released mini-program
 */
export function createWx({
  transport, user = 'alice', appId = 'wxdev0000000000001', domains, hosts = {}, storage, tooMany = 'queue',
  interruptedAfter = INTERRUPTED_AFTER, fileAnywhere = false, errnos = true, version = 'develop',
}) {
  const running = new Set()
  const waiting = []
  const files = new Map()
  const listeners = { show: new Set(), hide: new Set(), call: new Set(), network: new Set() }
  let inBackground = false // for so long that the connections are cut
  let hideTimer
  let online = true
  let made = 0

  // ---- what a test or a page does to the phone -------------------------------------------------------------------------

  const device = {
    user,
    get online() { return online },
    set online(now) {
      online = now
      listeners.network.forEach((listener) => listener({ isConnected: online, networkType: networkType() }))
    },
    /** Called with each call before it is sent; may answer `{ delay, cut }`, `cut` being `before`, `during` or `after`. */
    network: undefined,
    /** What `wx.login` gives. */
    loginCode: () => `dev-${device.user}-${nonce()}`,
    /** Every call to a server: `{ id, api, method, url, status, fault, milliseconds, ended }`. */
    calls: [],
    onCall(listener) {
      listeners.call.add(listener)
      return () => listeners.call.delete(listener)
    },
    /** The path by which the photo is known from now on; its own name is lost. */
    addFile(bytes) {
      const path = `wxfile://tmp_${nonce()}.jpg`
      files.set(path, new Uint8Array(bytes))
      return path
    },
    removeFile: (path) => files.delete(path),
    file: (path) => files.get(path),
    /** Ends the app: temporary files go, saved ones stay. */
    end() {
      for (const call of [...running, ...waiting]) call.fail('abort')
      for (const path of files.keys()) if (path.startsWith('wxfile://tmp_')) files.delete(path)
      for (const heard of [listeners.show, listeners.hide, listeners.network]) heard.clear()
    },
    hide() {
      listeners.hide.forEach((listener) => listener({}))
      clearTimeout(hideTimer)
      hideTimer = setTimeout(() => {
        inBackground = true
        for (const call of running) call.fail('interrupted')
      }, interruptedAfter)
    },
    show() {
      clearTimeout(hideTimer)
      inBackground = false
      listeners.show.forEach((listener) => listener({}))
    },
  }

  // ---- calls to servers -------------------------------------------------------------------------------------------------

  function call(api, option, prepare, read) {
    const record = { id: (made += 1), api, method: 'POST', url: option.url, started: Date.now(), ended: false }
    const heard = { progress: new Set(), headers: new Set() }
    let sending
    let timer

    const end = (callback, result) => {
      if (record.ended) return
      record.ended = true
      record.milliseconds = Date.now() - record.started
      clearTimeout(timer)
      if (running.delete(entry)) waiting.shift()?.start()
      else if (waiting.includes(entry)) waiting.splice(waiting.indexOf(entry), 1)
      tell(record)
      option[callback]?.(result)
      option.complete?.(result)
    }
    const fail = (kind, detail) => {
      record.fault = kind
      sending?.abort()
      end('fail', fault(api, kind, detail))
    }

    const start = async () => {
      running.add(entry)
      tell(record)
      timer = setTimeout(() => fail('timeout'), option.timeout || DEFAULT_TIMEOUT)
      if (inBackground) return fail('interrupted')
      let request
      try {
        request = prepare()
      } catch (kind) {
        return fail(kind)
      }
      record.method = request.method
      const weather = (await device.network?.({ ...record, body: request.body })) ?? {}
      if (weather.delay) await new Promise((resume) => setTimeout(resume, weather.delay))
      if (record.ended) return
      if (!device.online) return fail('offline')
      if (weather.cut === 'before') return fail('reset')

      const total = request.body?.length ?? 0
      sending = transport({
        method: request.method,
        url: located(request.url),
        headers: { ...request.headers, ...REFERER(appId) },
        body: request.body,
        onSent(sent) {
          if (record.ended) return
          if (weather.cut === 'during' && sent * 2 >= total) return fail('reset')
          const progress = { progress: Math.floor(sent / total * 100), totalBytesSent: sent, totalBytesExpectedToSend: total }
          heard.progress.forEach((listener) => listener(progress))
        },
        onReceived(received, expected) {
          if (record.ended || api !== 'downloadFile') return
          const progress = { progress: Math.floor(received / expected * 100), totalBytesWritten: received, totalBytesExpectedToWrite: expected }
          heard.progress.forEach((listener) => listener(progress))
        },
      })
      try {
        const answer = await sending.done
        if (record.ended) return
        if (weather.cut) return fail('reset')
        record.status = answer.status
        heard.headers.forEach((listener) => listener({ header: answer.headers }))
        end('success', { statusCode: answer.status, header: answer.headers, errMsg: `${api}:ok`, ...read(answer.bytes) })
      } catch (error) {
        fail('reset', error.message)
      }
    }
    const entry = { fail, start }

    device.calls.push(record)
    const refused = domainFault(domains, api, option.url)
    // Callbacks come after the call has returned its task.
    queueMicrotask(() => {
      if (record.ended) return
      if (refused) fail(refused)
      else if (running.size < CALLS_AT_ONCE) start()
      else if (tooMany === 'fail') fail('too many')
      else waiting.push(entry)
    })
    return {
      abort: () => fail('abort'),
      onProgressUpdate: (listener) => heard.progress.add(listener),
      offProgressUpdate: (listener) => (listener ? heard.progress.delete(listener) : heard.progress.clear()),
      onHeadersReceived: (listener) => heard.headers.add(listener),
      offHeadersReceived: (listener) => (listener ? heard.headers.delete(listener) : heard.headers.clear()),
    }
  }

  function tell(record) {
    listeners.call.forEach((listener) => listener(record))
  }

  function located(url) {
    const origin = new URL(url).origin
    return hosts[origin] ? hosts[origin] + url.slice(origin.length) : url
  }

  function fault(api, kind, detail) {
    const [errno, text] = FAULTS[kind]
    const errMsg = `${api}:fail ${text}${detail ? ` (${detail})` : ''}`
    return errnos && errno ? { errno, errMsg } : { errMsg }
  }

  /** Everything else: callbacks, or a promise where none is given. */
  function answering(api, option, work) {
    const { success, fail, complete } = option
    const done = Promise.resolve().then(work)
      .then((result) => ({ errMsg: `${api}:ok`, ...result }), (kind) => Promise.reject(FAULTS[kind] ? fault(api, kind) : kind))
    if (!success && !fail && !complete) return done
    done.then((result) => { success?.(result); complete?.(result) }, (failed) => { fail?.(failed); complete?.(failed) })
    return undefined
  }

  const networkType = () => (online ? 'wifi' : 'none')

  function existing(path) {
    if (!files.has(path)) throw 'no file'
    return files.get(path)
  }

  const wx = {
    request: (option) => call('request', option, () => jsonRequest(option), (bytes) => ({ data: dataOf(bytes, option) })),

    uploadFile(option) {
      const form = () => {
        const { body, boundary } = multipart(option, existing(option.filePath), fileAnywhere)
        const headers = { ...withoutReferer(option.header), 'content-type': `multipart/form-data; boundary=${boundary}` }
        return { method: 'POST', url: option.url, headers, body }
      }
      return call('uploadFile', option, form, (bytes) => ({ data: textOf(bytes) }))
    },

    downloadFile: (option) => call('downloadFile', option,
      () => ({ method: 'GET', url: option.url, headers: withoutReferer(option.header) }),
      (bytes) => ({ tempFilePath: device.addFile(bytes) })),

    login: (option = {}) => answering('login', option, () => {
      if (!device.online) throw 'offline'
      return { code: device.loginCode() }
    }),

    getFileSystemManager: () => ({
      getFileInfo: (option) => answering('getFileInfo', option, () => ({ size: existing(option.filePath).length })),
      readFile: (option) => answering('readFile', option, () => {
        const { position = 0, length } = option
        const part = existing(option.filePath).slice(position, length === undefined ? undefined : position + length)
        return { data: part.buffer }
      }),
      saveFile: (option) => answering('saveFile', option, () => {
        const bytes = existing(option.tempFilePath)
        const savedFilePath = `wxfile://store_${nonce()}.jpg`
        files.delete(option.tempFilePath)
        files.set(savedFilePath, bytes)
        return { savedFilePath }
      }),
      unlink: (option) => answering('unlink', option, () => {
        existing(option.filePath)
        files.delete(option.filePath)
      }),
    }),

    getNetworkType: (option = {}) => answering('getNetworkType', option, () => ({ networkType: networkType() })),
    onNetworkStatusChange: (listener) => { listeners.network.add(listener) },
    offNetworkStatusChange: (listener) => { if (listener) listeners.network.delete(listener); else listeners.network.clear() },

    getAccountInfoSync: () => ({ miniProgram: { appId, envVersion: version, version: '' } }),

    ...createStorage(storage),

    onAppShow: (listener) => { listeners.show.add(listener) },
    offAppShow: (listener) => { if (listener) listeners.show.delete(listener); else listeners.show.clear() },
    onAppHide: (listener) => { listeners.hide.add(listener) },
    offAppHide: (listener) => { if (listener) listeners.hide.delete(listener); else listeners.hide.clear() },
  }
  return { wx, device }
}

const FAULTS = {
  abort: [undefined, 'abort'],
  timeout: [5, 'timeout'],
  interrupted: [600003, 'interrupted'],
  reset: [600001, 'errcode:-101 cronet_error_code:-101 error_msg:net::ERR_CONNECTION_RESET'],
  offline: [600001, 'errcode:-106 cronet_error_code:-106 error_msg:net::ERR_INTERNET_DISCONNECTED'],
  'not listed': [600002, 'url not in domain list'],
  'invalid url': [600009, 'invalid url'],
  'too many': [600007, 'network exceed max task count'],
  'no file': [undefined, "file doesn't exist"],
}

const REFERER = (appId) => ({ referer: `https://servicewechat.com/${appId}/devtools/page-frame.html` })

const withoutReferer = (header = {}) =>
  Object.fromEntries(Object.entries(header).filter(([name]) => name.toLowerCase() !== 'referer').map(([name, value]) => [name, String(value)]))

function jsonRequest({ url, method = 'GET', data, header }) {
  const headers = { 'content-type': 'application/json', ...withoutReferer(header) }
  if (data === undefined) return { method, url, headers }
  if (method === 'GET') {
    const query = new URLSearchParams(data).toString()
    return { method, url: query ? url + (url.includes('?') ? '&' : '?') + query : url, headers }
  }
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return { method, url, headers, body: new TextEncoder().encode(text) }
}

// One byte order mark is dropped.
const textOf = (bytes) => new TextDecoder().decode(bytes)

/** JSON is parsed if it is some; else the text as it came, without a fault. */
function dataOf(bytes, { dataType = 'json', responseType = 'text' }) {
  if (responseType === 'arraybuffer') return bytes.slice().buffer
  const text = textOf(bytes)
  if (dataType !== 'json') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

let nonces = 0
function nonce() {
  nonces += 1
  return `${Date.now().toString(36)}${nonces.toString(36)}${Math.random().toString(36).slice(2, 10)}`
}
