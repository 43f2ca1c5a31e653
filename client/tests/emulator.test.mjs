// The rules of the platform, as README.md of the emulator lists them.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { createWx } from '../wx-emulator/index.js'
import { transport } from '../wx-emulator/transport-node.js'

// A server that answers with what it got, after as long as the path says.
let echo
let server
before(async () => {
  server = createServer(async (request, answer) => {
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const { pathname, searchParams } = new URL(request.url, 'http://echo')
    await new Promise((resume) => setTimeout(resume, Number(searchParams.get('wait') ?? 0)).unref())
    if (pathname === '/moved') return answer.writeHead(302, { location: '/there' }).end()
    answer.writeHead(Number(searchParams.get('status') ?? 200), { 'x-seen': 'yes' })
    return answer.end(pathname === '/text' ? 'no JSON' : JSON.stringify({
      method: request.method, path: request.url, headers: request.headers, body: body.toString('latin1'),
    }))
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  echo = `http://127.0.0.1:${server.address().port}`
})
after(() => { server.close(); server.closeAllConnections() })

const phone = (options) => createWx({ transport, ...options })
const asked = (start) => new Promise((success, fail) => start({ success, fail }))
const request = ({ wx }, option) => asked((callbacks) => wx.request({ ...option, ...callbacks }))
const upload = ({ wx }, option) => asked((callbacks) => wx.uploadFile({ name: 'file', ...option, ...callbacks }))
const failed = (promise) => promise.then(() => assert.fail('it was a success'), (fault) => fault)

test('any status is a success', async () => {
  const answer = await request(phone(), { url: `${echo}/?status=500` })

  assert.deepEqual([answer.statusCode, answer.errMsg, answer.header['x-seen']], [500, 'request:ok', 'yes'])
})

test('request parses JSON and gives other text as it is', async () => {
  assert.equal((await request(phone(), { url: `${echo}/json` })).data.method, 'GET')
  assert.equal((await request(phone(), { url: `${echo}/text` })).data, 'no JSON')
})

test('request puts data into the query of a GET and into the body of a POST', async () => {
  const get = await request(phone(), { url: `${echo}/?a=1`, data: { b: '2' } })
  const post = await request(phone(), { url: echo, method: 'POST', data: { b: 2 } })

  assert.deepEqual([get.data.path, get.data.body], ['/?a=1&b=2', ''])
  assert.deepEqual([post.data.body, post.data.headers['content-type']], ['{"b":2}', 'application/json'])
})

test('request follows redirects', async () => {
  assert.equal((await request(phone(), { url: `${echo}/moved` })).data.path, '/there')
})

test('the referer is the mini-program’s, whatever is asked for', async () => {
  const { data } = await request(phone({ appId: 'wx123' }), { url: echo, header: { Referer: 'https://elsewhere', 'x-mine': 1 } })

  assert.equal(data.headers.referer, 'https://servicewechat.com/wx123/devtools/page-frame.html')
  assert.equal(data.headers['x-mine'], '1')
})

test('uploadFile posts a form and gives text, even if it is JSON', async () => {
  const alice = phone()

  const answer = await upload(alice, { url: `${echo}/?status=403`, filePath: alice.device.addFile([1, 2, 3]), method: 'PUT' })

  assert.equal(typeof answer.data, 'string')
  assert.deepEqual([answer.statusCode, answer.errMsg, JSON.parse(answer.data).method], [403, 'uploadFile:ok', 'POST'])
  assert.match(JSON.parse(answer.data).headers['content-type'], /^multipart\/form-data; boundary=/)
})

test('a form has its texts and numbers, no booleans, and the file last under a name that is not its own', async () => {
  const alice = phone()

  const { data } = await upload(alice, { url: echo, filePath: alice.device.addFile(Buffer.from('bytes')),
    formData: { text: 'a', number: 7, yes: true, nothing: undefined } })

  const names = [...JSON.parse(data).body.matchAll(/name="(\w+)"(?:; filename="([^"]*)")?/g)].map(([, name, file]) => [name, file])
  assert.deepEqual(names.slice(0, -1).map(([name]) => name).sort(), ['number', 'text'])
  assert.equal(names.at(-1)[0], 'file')
  assert.match(names.at(-1)[1], /^tmp_\w+\.jpg$/)
})

test('forms come in every order and with every type of part', async () => {
  const alice = phone({ fileAnywhere: true })
  const filePath = alice.device.addFile(Buffer.from('bytes'))
  const seen = { first: new Set(), type: new Set() }
  while (seen.first.size < 3 || seen.type.size < 3) {
    const { data } = await upload(alice, { url: echo, filePath, formData: { a: '1', b: '2' } })
    seen.first.add(/name="(\w+)"/.exec(JSON.parse(data).body)[1])
    seen.type.add(/content-type: (\S+)/.exec(JSON.parse(data).body)?.[1] ?? 'none')
  }
  assert.deepEqual([...seen.first].sort(), ['a', 'b', 'file'])
})

test('progress comes in steps up to all of the form', async () => {
  const alice = phone()
  const heard = []
  await asked((callbacks) => {
    const task = alice.wx.uploadFile({ url: echo, name: 'f', filePath: alice.device.addFile(new Uint8Array(100000)), ...callbacks })
    task.onProgressUpdate((progress) => heard.push(progress))
  })

  assert.ok(heard.length > 2)
  assert.deepEqual([heard.at(-1).progress, heard.at(-1).totalBytesSent], [100, heard.at(-1).totalBytesExpectedToSend])
})

test('a file that is not there fails', async () => {
  assert.deepEqual(await failed(upload(phone(), { url: echo, filePath: 'wxfile://tmp_gone.jpg' })), { errMsg: "uploadFile:fail file doesn't exist" })
})

test('ten calls run at once, the others wait', async (t) => {
  let [now, most] = [0, 0]
  const count = (_, answer) => {
    most = Math.max(most, now += 1)
    answer.on('finish', () => { now -= 1 })
  }
  server.on('request', count)
  t.after(() => server.off('request', count))
  const alice = phone()

  await Promise.all(Array.from({ length: 25 }, () => request(alice, { url: `${echo}/?wait=30` })))

  assert.equal(most, 10)
})

test('or the others fail', async () => {
  const alice = phone({ tooMany: 'fail' })
  const all = Array.from({ length: 12 }, () => request(alice, { url: `${echo}/?wait=30` }).then(() => 'ok', ({ errno }) => errno))

  assert.deepEqual((await Promise.all(all)).filter((outcome) => outcome !== 'ok'), [600007, 600007])
})

test('with domain lists only listed origins of https are called, each API by its own list and with its exact port', async () => {
  const alice = phone({
    domains: { request: ['https://api.example.com'], uploadFile: ['https://up.example.com:8443'] },
    hosts: { 'https://api.example.com': echo, 'https://up.example.com:8443': echo },
  })
  const filePath = alice.device.addFile([1])
  const refused = async (promise) => (await failed(promise)).errno

  assert.equal((await request(alice, { url: 'https://api.example.com/a' })).statusCode, 200)
  assert.equal((await upload(alice, { url: 'https://up.example.com:8443/', filePath })).statusCode, 200)
  for (const url of ['https://api.example.com:443/', 'http://api.example.com/', 'https://other.example.com/', `${echo}/`, 'https://up.example.com:8443/']) {
    assert.equal(await refused(request(alice, { url })), 600002, url)
  }
  assert.equal(await refused(upload(alice, { url: 'https://api.example.com/', filePath })), 600002)
})

test('an address of a machine cannot be listed', async () => {
  const alice = phone({ domains: { request: [echo, 'https://127.0.0.1', 'https://localhost', 'https://api.weixin.qq.com'] } })

  for (const url of [echo, 'https://127.0.0.1/', 'https://localhost/', 'https://api.weixin.qq.com/']) {
    assert.equal((await failed(request(alice, { url }))).errMsg, 'request:fail url not in domain list')
  }
})

test('abort ends a call, also one that waits', async () => {
  const alice = phone()
  let abort
  const first = failed(asked((callbacks) => { abort = alice.wx.request({ url: `${echo}/?wait=5000`, ...callbacks }).abort }))
  setTimeout(abort, 20)
  assert.deepEqual(await first, { errMsg: 'request:fail abort' })

  const running = Array.from({ length: 10 }, () => request(alice, { url: `${echo}/?wait=50` }))
  const second = failed(asked((callbacks) => { alice.wx.request({ url: echo, ...callbacks }).abort() }))
  assert.deepEqual(await second, { errMsg: 'request:fail abort' })
  await Promise.all(running)
})

test('a call that takes longer than its timeout fails', async () => {
  assert.deepEqual(await failed(request(phone(), { url: `${echo}/?wait=5000`, timeout: 20 })), { errno: 5, errMsg: 'request:fail timeout' })
})

test('in the background calls are interrupted, those under way and new ones, until the app is shown', async () => {
  const alice = phone({ interruptedAfter: 10 })
  const heard = []
  alice.wx.onAppHide(() => heard.push('hide'))
  alice.wx.onAppShow(() => heard.push('show'))
  const underWay = failed(request(alice, { url: `${echo}/?wait=5000` }))

  alice.device.hide()
  assert.deepEqual(await underWay, { errno: 600003, errMsg: 'request:fail interrupted' })
  assert.equal((await failed(request(alice, { url: echo }))).errno, 600003)

  alice.device.show()
  assert.equal((await request(alice, { url: echo })).statusCode, 200)
  assert.deepEqual(heard, ['hide', 'show'])
})

test('an app that is shown again soon goes on', async () => {
  const alice = phone({ interruptedAfter: 5000 })
  const underWay = request(alice, { url: `${echo}/?wait=30` })
  alice.device.hide()
  alice.device.show()

  assert.equal((await underWay).statusCode, 200)
})

test('without a network calls fail, and so does login', async () => {
  const alice = phone()
  alice.device.online = false

  assert.equal((await failed(request(alice, { url: echo }))).errno, 600001)
  assert.equal((await failed(alice.wx.login())).errno, 600001)
})

test('a request that is cut after it was sent has reached the server, one before has not', async () => {
  const reached = { '/before': 0, '/after': 0 }
  server.on('request', ({ url }) => { if (url in reached) reached[url] += 1 })
  const alice = phone()
  alice.device.network = ({ url }) => ({ cut: new URL(url).pathname.slice(1) })

  assert.match((await failed(request(alice, { url: `${echo}/before` }))).errMsg, /ERR_CONNECTION_RESET/)
  assert.match((await failed(request(alice, { url: `${echo}/after` }))).errMsg, /ERR_CONNECTION_RESET/)
  assert.deepEqual(reached, { '/before': 0, '/after': 1 })
})

test('login gives a code of the user who holds the phone, each time another', async () => {
  const alice = phone({ user: 'alice' })

  const codes = await Promise.all([alice.wx.login(), alice.wx.login()])

  assert.notEqual(codes[0].code, codes[1].code)
  for (const { code } of codes) assert.match(code, /^dev-alice-\w+$/)
})

test('storage keeps copies, and an empty text stands for nothing', () => {
  const { wx } = phone()
  const value = { a: 1 }
  wx.setStorageSync('key', value)
  value.a = 2

  assert.deepEqual(wx.getStorageSync('key'), { a: 1 })
  wx.removeStorageSync('key')
  assert.equal(wx.getStorageSync('key'), '')
})

test('a saved file outlives the app, a temporary one does not', async () => {
  const { wx, device } = phone()
  const files = wx.getFileSystemManager()
  const [kept, gone] = [device.addFile([1, 2, 3]), device.addFile([4])]
  const { savedFilePath } = await files.saveFile({ tempFilePath: kept })
  await assert.rejects(files.getFileInfo({ filePath: kept }), { errMsg: "getFileInfo:fail file doesn't exist" })

  device.end()

  assert.equal((await files.getFileInfo({ filePath: savedFilePath })).size, 3)
  await assert.rejects(files.getFileInfo({ filePath: gone }))
  await files.unlink({ filePath: savedFilePath })
  await assert.rejects(files.getFileInfo({ filePath: savedFilePath }))
})

test('the app hears that the network goes and comes', async () => {
  const { wx, device } = phone()
  const heard = []
  wx.onNetworkStatusChange((now) => heard.push(now))

  device.online = false
  assert.equal((await wx.getNetworkType()).networkType, 'none')
  device.online = true

  assert.deepEqual(heard, [{ isConnected: false, networkType: 'none' }, { isConnected: true, networkType: 'wifi' }])
  assert.equal((await wx.getNetworkType()).networkType, 'wifi')
})
