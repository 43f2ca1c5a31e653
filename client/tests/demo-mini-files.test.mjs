// What can be said of the demo mini-program without WeChat: its files are judged by WeChat's own compilers and typings.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { ROOT, tool } from './demo-mini.mjs'

const ts = tool('typescript')
const COPY = 'lib/mini-functions.js'

const all = readdirSync(ROOT, { recursive: true }).map(String)
const files = (extension) => all.filter((path) => path.endsWith(extension))
const text = (path) => readFileSync(join(ROOT, path), 'utf8')
const json = (path) => JSON.parse(text(path))
const pages = () => json('app.json').pages
const components = () => Object.values(json('app.json').usingComponents).map((path) => path.slice(1))

/** Runs `wcc` (WXML) or `wcsc` (WXSS) as the developer tools do; answers what it complains of. */
function complaints(compiler, path) {
  const system = { darwin: 'mac', linux: 'linux' }[process.platform]
  const program = join(dirname(tool.resolve('miniprogram-compiler')), 'bin', system, compiler)
  chmodSync(program, 0o755)
  const { status, stderr, error } = spawnSync(program, [path], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8 })
  assert.ifError(error)
  return status === 0 ? '' : stderr || `status ${status}`
}

test('the client is the one of the SDK, byte by byte', () => {
  assert.equal(text(COPY), readFileSync(join(ROOT, '../sdk/miniprogram_dist/index.js'), 'utf8'), 'make docs copies it')
})

test('every page and component has its four files', () => {
  for (const path of [...pages(), ...components()]) {
    for (const extension of ['js', 'json', 'wxml', 'wxss']) assert.ok(existsSync(join(ROOT, `${path}.${extension}`)), `${path}.${extension}`)
  }
})

test('every JSON file is JSON', () => {
  assert.ok(files('.json').length > 4)
  files('.json').forEach(json)
})

test('every colour that the settings name has a light and a dark value', () => {
  const named = [...text('app.json').matchAll(/"@(\w+)"/g)].map(([, name]) => name)
  const { light, dark } = json('theme.json')
  assert.deepEqual(Object.keys(light), Object.keys(dark))
  assert.deepEqual(new Set(named), new Set(Object.keys(light)))
})

for (const [extension, compiler, broken] of [
  ['.wxml', 'wcc', '<view wx:if="{{shown}">'],
  ['.wxss', 'wcsc', '.veil { color: red;'],
]) {
  test(`WeChat's compiler takes every ${extension} file, and would refuse a broken one`, async () => {
    assert.ok(files(extension).length >= 3)
    for (const path of files(extension)) assert.equal(complaints(compiler, path), '', path)

    const folder = await mkdtemp(join(tmpdir(), 'demo-mini-'))
    writeFileSync(join(folder, `broken${extension}`), broken)
    assert.notEqual(complaints(compiler, join(folder, `broken${extension}`)), '')
    await rm(folder, { recursive: true })
  })
}

test('every handler that a WXML file names is there', () => {
  for (const path of files('.wxml')) {
    const named = [...text(path).matchAll(/\b(?:bind|catch)[a-z]+="([a-z]\w*)"/gi)].map(([, name]) => name).filter((name) => name !== 'true')
    assert.ok(named.length, path)
    const script = text(path.replace('.wxml', '.js'))
    for (const name of named) assert.ok(new RegExp(`^ +(async )?${name}\\(`, 'm').test(script), `${path}: ${name}`)
  }
})

test('every class that a WXML file names has a rule', () => {
  for (const path of files('.wxml')) {
    const rules = text(path.replace('.wxml', '.wxss')) + text('app.wxss')
    const named = [...text(path).matchAll(/\b(?:class|hover-class|placeholder-class)="([^"]+)"/g)].flatMap(([, names]) => names.match(/[a-z][a-z-]+/g))
    for (const name of named.filter((word) => !['item', 'loaded'].includes(word))) assert.ok(new RegExp(`\\.${name}\\b`).test(rules), `${path}: ${name}`)
  }
})

test('every call of wx is one that the platform has, with options that it knows', () => {
  const { calls, faults } = judged(files('.js').map((path) => join(ROOT, path)))
  assert.ok(calls.length > 15, calls.join())
  assert.deepEqual(faults, [])
})

test('a call that the platform does not have would be noticed, and so would an option', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-mini-'))
  const page = join(folder, 'page.js')
  writeFileSync(page, 'wx.chooseMedias({})\nwx.previewImage({ urls: [], start: 1 })\n')
  assert.deepEqual(judged([page]).faults, ['chooseMedias', 'previewImage start'])
  await rm(folder, { recursive: true })
})

/** Which `wx.…` the files use, and what the official typings do not know of it. */
function judged(paths) {
  const typings = join(dirname(tool.resolve('miniprogram-api-typings/package.json')), 'index.d.ts')
  const options = { allowJs: true, checkJs: true, noEmit: true, skipLibCheck: true, lib: ['lib.es2019.d.ts'], types: [] }
  const program = ts.createProgram([...paths, typings], options)
  const checker = program.getTypeChecker()
  const calls = []
  const faults = []
  const visit = (node) => {
    if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'wx') {
      const name = node.name.text
      calls.push(name)
      if (!checker.getSymbolAtLocation(node.name)) faults.push(name)
      else if (ts.isCallExpression(node.parent)) node.parent.arguments.filter(ts.isObjectLiteralExpression).forEach((option) => {
        const known = checker.getResolvedSignature(node.parent).declaration.parameters[0]
        const type = checker.getApparentType(checker.getTypeAtLocation(known))
        for (const { name: { text: given } } of option.properties) if (!type.getProperty(given)) faults.push(`${name} ${given}`)
      })
    }
    ts.forEachChild(node, visit)
  }
  program.getSourceFiles().filter((file) => paths.includes(file.fileName)).forEach(visit)
  return { calls, faults }
}
