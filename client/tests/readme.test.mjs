// The examples of the client's README, run one by one as they stand there.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import sdk from '../sdk/index.js'
import { GATEWAY, coffee, createAbort, newTask, phone } from './support.mjs'

const examples = (name) => {
  const text = readFileSync(new URL(`../sdk/${name}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^( *)```js\n([\s\S]*?)^ *```$/gm)].map(([, indent, code]) => code.replaceAll(`\n${indent}`, '\n').trim())
}
const ours = examples('README.md')

test('both languages have the same examples', () => {
  assert.deepEqual(examples('README.zh-CN.md'), ours)
  assert.ok(ours.length >= 10)
})

test('the errors of the phone are those of the file, with their texts', () => {
  const source = readFileSync(new URL('../sdk/index.js', import.meta.url), 'utf8')
  for (const name of ['README.md', 'README.zh-CN.md']) {
    const rows = readFileSync(new URL(`../sdk/${name}`, import.meta.url), 'utf8').matchAll(/^\| `(\w+)` \| (\p{Script=Han}[^|]*) \|/gmu)
    const phones = [...rows].filter(([, error]) => error.includes('_') || ['timeout', 'interrupted', 'aborted'].includes(error))
    for (const [, error, errmsg] of phones) assert.ok(source.includes(`${error}: '${errmsg}'`), `${name}: ${error} ${errmsg}`)
    assert.ok(phones.length >= 9, name)
  }
})

// The pages in frameworks are built by frameworks.test.mjs.
for (const code of ours.filter((example) => !example.includes('import '))) {
  test(`an example works: ${code.split('\n').find((line) => /client|create/.test(line) && !line.includes('require'))?.trim() ?? code.split('\n')[0]}`, async () => {
    const alice = phone()
    const filePaths = ['coffee.jpg', 'avatar.jpg', 'avatar.png'].map((name) => alice.device.addFile(coffee(name)))
    const taskId = await newTask(alice)
    const image = await alice.client.uploadTaskImage(taskId, filePaths[0])
    const page = { data: {}, setData(data) { Object.assign(page.data, data) } }
    const toasts = []
    const given = {
      require: () => ({ ...sdk, createClient: (options) => sdk.createClient({ ...options, baseUrl: GATEWAY, wx: alice.wx }) }),
      module: {}, client: alice.client, createAbort, createClient: (options) => sdk.createClient({ ...options, wx: alice.wx }), wx: { showToast: (toast) => toasts.push(toast) },
      page, taskId, filePath: filePaths[1], filePaths, names: [image.name],
    }

    const run = Object.getPrototypeOf(async () => {}).constructor
    await run(...Object.keys(given), `{${code}}`)(...Object.values(given))

    for (const [name, value] of Object.entries(page.data)) assert.notEqual(value, undefined, name)
    assert.equal(toasts.length, code.includes("'nothing'") ? 1 : 0, JSON.stringify(toasts))
  })
}
