// The client in what people build mini-programs with: copied or installed, imported and required, under the types of each
// kind of TypeScript project, and over the `wx` that Taro and uni-app have in its place. The pages are those of the README.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { GATEWAY, given, listed, phone, picture } from './support.mjs'

const SDK = fileURLToPath(new URL('../sdk', import.meta.url))
const TOOLS = given('TOOLS')
const tool = createRequire(`${TOOLS}/`)
const COPY = './libs/mini-functions/index.js'
const projects = []
after(() => projects.forEach((folder) => rmSync(folder, { recursive: true })))

/** A project beside the tools, so that it finds them; the client is copied into it, and installed. */
function project(files, { symlink = false } = {}) {
  const folder = mkdtempSync(join(dirname(TOOLS), 'project-'))
  projects.push(folder)
  mkdirSync(join(folder, 'node_modules'))
  cpSync(SDK, join(folder, 'libs/mini-functions'), { recursive: true })
  if (symlink) symlinkSync(SDK, join(folder, 'node_modules/mini-functions'))
  else cpSync(SDK, join(folder, 'node_modules/mini-functions'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const BUNDLERS = {
  /** uni-app's, of the same major version. */
  async vite(root, alias = {}) {
    const { build } = await import(pathToFileURL(tool.resolve('vite')).href.replace('index.cjs', 'dist/node/index.js'))
    await build({
      root, configFile: false, logLevel: 'silent', resolve: { alias },
      build: { outDir: 'dist', minify: false, lib: { entry: 'main.js', formats: ['es'], fileName: () => 'main.mjs' } },
    })
  },
  /** Taro's. */
  async webpack(root, alias = {}) {
    const done = await new Promise((resolve, reject) => tool('webpack')({
      mode: 'production', target: 'node', context: root, entry: './main.js', resolve: { alias }, optimization: { minimize: false },
      experiments: { outputModule: true }, output: { path: join(root, 'dist'), filename: 'main.mjs', library: { type: 'module' } },
    }, (error, stats) => (error ? reject(error) : resolve(stats))))
    assert.ok(!done.hasErrors(), done.toString())
  },
}

async function built(bundler, root, alias) {
  await BUNDLERS[bundler](root, alias)
  return import(pathToFileURL(join(root, 'dist/main.mjs')).href)
}

for (const bundler of Object.keys(BUNDLERS)) {
  for (const [where, from, how] of [['copied', COPY], ['installed', 'mini-functions'], ['linked', 'mini-functions', { symlink: true }]]) {
    test(`${bundler} builds the ${where} client, by name and by default`, async () => {
      const root = project({
        'main.js': `import client, { createClient, ApiError } from '${from}'
          export const kinds = [typeof createClient, typeof ApiError, client.createClient === createClient]`,
      }, how)

      assert.deepEqual((await built(bundler, root)).kinds, ['function', 'function', true])
    })
  }
}

for (const [how, options] of [['installed', {}], ['linked', { symlink: true }]]) {
  for (const [kind, name, text] of [
    ['imports by name', 'main.mjs', "import { createClient } from 'mini-functions'; console.log(typeof createClient)"],
    ['imports by default', 'main.mjs', "import client from 'mini-functions'; console.log(typeof client.createClient)"],
    ['requires', 'main.cjs', "console.log(typeof require('mini-functions').createClient)"],
    ['requires the default of', 'main.cjs', "console.log(typeof require('mini-functions').default.createClient)"],
    ['imports by name the CommonJS file of', 'main.mjs', "import client from './node_modules/mini-functions/miniprogram_dist/index.js'; console.log(typeof client.createClient)"],
  ]) {
    test(`Node ${kind} the ${how} client`, () => {
      const { stdout, stderr } = spawnSync('node', [name], { cwd: project({ [name]: text }, options), encoding: 'utf8' })
      assert.equal(stdout, 'function\n', stderr)
    })
  }
}

test('"构建 npm" finds a CommonJS file that needs nothing', () => {
  const { miniprogram, main } = JSON.parse(readFileSync(join(SDK, 'package.json'), 'utf8'))
  assert.equal(main, `${miniprogram}/index.js`)
  const module = { exports: {} }

  // As the platform wraps the files of a mini-program.
  new Function('require', 'module', 'exports', readFileSync(join(SDK, main), 'utf8'))(undefined, module, module.exports)

  assert.equal(typeof module.exports.createClient, 'function')
})

// ---- types -------------------------------------------------------------------------------------------------------------------

const RIGHT = `import client, { createClient, type Image } from 'mini-functions'
const made = createClient({ baseUrl: 'https://api.example.com', wx: {} })
export const images: Promise<Image[]> = made.request('GET /tasks/{task_id}', { path: { task_id: 't' } }).then((task) => task.images)
export const same: typeof createClient = client.createClient
`
const WRONG = `import { createClient } from 'mini-functions'
const client = createClient({ baseUrl: 'https://api.example.com' })
client.request('GET /tasks/{task_id}', { path: { id: 'x' } })
client.request('GET /tasks/{task_id}')
client.request('POST /tasks', { body: { titel: 'x' } })
`

/** What tsc says of a file in a project that has the client. */
function compiled(name, text, options) {
  const compilerOptions = { noEmit: true, strict: true, target: 'es2018', types: [], ...options }
  const root = project({ [name]: text, 'tsconfig.json': JSON.stringify({ compilerOptions, files: [name] }) })
  const { stdout } = spawnSync('node', [tool.resolve('typescript/bin/tsc')], { cwd: root, encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line.includes('error TS'))
}

for (const [kind, name, options] of [
  ['node', 'main.ts', { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }],
  ['node16, as a module', 'main.mts', { module: 'node16', moduleResolution: 'node16' }],
  ['node16, as CommonJS', 'main.cts', { module: 'node16', moduleResolution: 'node16' }],
  ['bundler', 'main.ts', { module: 'esnext', moduleResolution: 'bundler' }],
]) {
  test(`TypeScript with moduleResolution ${kind} takes what is right, and refuses each wrong call`, () => {
    assert.deepEqual(compiled(name, RIGHT, options), [])
    assert.deepEqual(compiled(name, WRONG, options).map((line) => /\((\d)/.exec(line)[1]), ['3', '4', '5'])
  })
}

// ---- Taro and uni-app --------------------------------------------------------------------------------------------------------

/** The first block of code in the section that speaks of a framework. */
function example(framework, readme = 'README.md') {
  const text = readFileSync(join(SDK, readme), 'utf8')
  return new RegExp(`^## [^\\n]*${framework}[^\\n]*\\n[\\s\\S]*?^\`\`\`js\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1]
}

// What their build tools set for their runtimes.
Object.assign(globalThis, Object.fromEntries(['INNER_HTML', 'ADJACENT_HTML', 'SIZE_APIS', 'TEMPLATE_CONTENT', 'CLONE_NODE', 'CONTAINS',
  'MUTATION_OBSERVER'].map((name) => [`ENABLE_${name}`, false])))
globalThis.getApp = globalThis.getCurrentPages = () => undefined

// What each framework makes of `wx`, by its own code.
const PLATFORMS = {
  Taro: ['webpack', '@tarojs/taro', `import Taro from '@tarojs/api'
    import { processApis } from '@tarojs/shared'
    processApis(Taro, wx, { needPromiseApis: ['chooseMedia'] }) // its plugin for WeChat names some more
    export default Taro`],
  'uni-app': ['vite', 'uni', "import uni from '@dcloudio/uni-mp-weixin/dist/uni.api.esm.js'\nexport default uni"],
}

for (const [framework, [bundler, name, platform]] of Object.entries(PLATFORMS)) {
  test(`the page in ${framework} is the same in both languages`, () => {
    assert.ok(example(framework))
    assert.equal(example(framework, 'README.zh-CN.md'), example(framework))
  })

  test(`the page in ${framework} is built, and its photos arrive, with progress`, async () => {
    const alice = phone({ hosts: { 'https://api.example.com': GATEWAY } })
    const files = [101, 102, 103].map((width) => ({ tempFilePath: alice.device.addFile(picture(width, 50000)) }))
    const chooseMedia = ({ success }) => success({ tempFiles: files })
    globalThis.wx = { ...alice.wx, chooseMedia, getSystemInfoSync: () => ({}) }
    const page = name === 'uni' ? `import uni from './platform.js'\n${example(framework)}` : example(framework)
    const root = project({ 'main.js': page.replaceAll('@/', './'), 'platform.js': platform })
    const alias = { [name]: join(root, 'platform.js'), vue: '@dcloudio/uni-mp-vue', ...(bundler === 'vite' && { uni: undefined }) }
    const { client, addPhotos } = await built(bundler, root, Object.fromEntries(Object.entries(alias).filter(([, to]) => to)))
    const { task_id: task } = await client.request('POST /tasks', { body: { title: framework } })
    const heard = []

    const photos = await addPhotos(task, (progress) => heard.push(progress))

    assert.deepEqual(photos.map(({ state, error }) => error?.error ?? state), ['done', 'done', 'done'])
    assert.equal((await listed({ client }, task)).length, 3)
    assert.ok(heard.some((share) => share > 0 && share < 1), heard.join())
    assert.equal(heard.at(-1), 1)
    assert.equal(alice.device.calls.filter(({ api }) => api === 'uploadFile').length, 3)
  })
}

test('a platform whose uploadFile gives nothing but a promise is understood, too', async () => {
  const alice = phone()
  const promised = (api) => ({ success, fail, ...option }) => new Promise((resolve, reject) => alice.wx[api]({ ...option, success: resolve, fail: reject }))
  const { createClient } = await import('../sdk/index.js')
  const client = createClient({ baseUrl: GATEWAY, wx: { ...alice.wx, request: promised('request'), uploadFile: promised('uploadFile'), login: promised('login') } })
  const { task_id: task } = await client.request('POST /tasks', { body: {} })

  await client.uploadTaskImage(task, alice.device.addFile(picture(3)))

  assert.equal((await listed({ client }, task)).length, 1)
  await assert.rejects(client.uploadTaskImage('none', alice.device.addFile(picture(3))), { error: 'task_not_found' })
})
