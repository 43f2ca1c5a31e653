// What the file itself promises: its size, its language, and what it draws.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { gzipSync, inflateSync } from 'node:zlib'

import { given, placeholder } from './support.mjs'

const tools = createRequire(`${given('TOOLS')}/`)
const { transformSync } = tools('esbuild')
const source = readFileSync(new URL('../sdk/index.js', import.meta.url), 'utf8')

test('it is at most 7 KB, minified and gzipped', (t) => {
  const { code } = transformSync(source, { minify: true, target: 'es2018' })
  const size = gzipSync(code, { level: 9 }).length
  t.diagnostic(`${size} bytes`)
  assert.ok(size <= 7168, `${size} bytes`)
})

test('it is written in the JavaScript of 2018', () => {
  const as = (target) => transformSync(source, { target, minifyWhitespace: true }).code
  assert.equal(as('es2018'), as('esnext'))
})

test('it needs nothing but itself', () => {
  assert.ok(!/\brequire\(|^import\s/m.test(source))
})

test('it uses no Promise.prototype.finally, which old phones have not', () => {
  assert.ok(!/\.finally\b/.test(source))
})

test('its CommonJS twin is the same file but for its last lines, beside the same types', () => {
  const twin = (name) => readFileSync(new URL(`../sdk/miniprogram_dist/${name}`, import.meta.url), 'utf8')
  const body = (text) => text.slice(0, text.lastIndexOf('\n\n'))

  assert.equal(body(twin('index.js')), body(source), 'make docs writes it anew')
  assert.match(twin('index.js'), /^module\.exports = \{ ApiError, createAbort, createClient, placeholder \}\nmodule\.exports\.default = module\.exports\n$/m)
  for (const name of ['index.d.ts', 'api.d.ts']) {
    assert.equal(twin(name), readFileSync(new URL(`../sdk/${name}`, import.meta.url), 'utf8'), 'make docs writes it anew')
  }
})

test('a placeholder is the picture of its ThumbHash', async () => {
  const { rgbaToThumbHash, thumbHashToRGBA } = await import(tools.resolve('thumbhash'))
  for (const [width, height, opacity] of [[32, 32, 255], [40, 20, 255], [12, 36, 255], [32, 24, 'half']]) {
    const rgba = Array.from({ length: width * height }, (_, at) => {
      const [x, y] = [at % width / width, Math.floor(at / width) / height]
      return [255 * x, 200 * y, 255 * (1 - x), opacity === 'half' ? 255 * y : opacity].map(Math.round)
    }).flat()
    const hash = rgbaToThumbHash(width, height, rgba)

    const drawn = decoded(placeholder({ placeholder: Buffer.from(hash).toString('base64') }))

    assertAlike(drawn, thumbHashToRGBA(hash))
  }
})

test('an image without a placeholder has an empty one', () => {
  assert.equal(placeholder({ placeholder: null }), '')
  assert.equal(placeholder({}), '')
})

/** Reads the PNG by its own rules: what a phone would refuse throws here. */
function decoded(dataUrl) {
  const bytes = Buffer.from(dataUrl.replace(/^data:image\/png;base64,/, ''), 'base64')
  assert.equal(bytes.toString('base64'), dataUrl.slice(22), 'base64 as it has to be')
  assert.equal(bytes.subarray(1, 4).toString(), 'PNG')
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  const rows = inflateSync(bytes.subarray(41, 41 + bytes.readUInt32BE(33)))
  const rgba = Array.from({ length: height }, (_, y) => [...rows.subarray(y * (width * 4 + 1) + 1, (y + 1) * (width * 4 + 1))]).flat()
  return { w: width, h: height, rgba }
}

/** The reference draws it larger: each of our pixels is what lies there under its middle. */
function assertAlike(ours, theirs) {
  assert.ok(Math.abs(ours.w / ours.h - theirs.w / theirs.h) < 0.15 * theirs.w / theirs.h, 'the shape')
  for (let y = 0; y < ours.h; y += 1) {
    for (let x = 0; x < ours.w; x += 1) {
      for (let channel = 0; channel < 4; channel += 1) {
        const there = between(theirs, (x + 0.5) / ours.w * theirs.w - 0.5, (y + 0.5) / ours.h * theirs.h - 0.5, channel)
        const here = ours.rgba[(y * ours.w + x) * 4 + channel]
        assert.ok(Math.abs(there - here) <= 14, `${x},${y},${channel}: ${here} instead of ${there}`)
      }
    }
  }
}

function between({ w, h, rgba }, x, y, channel) {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const at = (column, row) => rgba[(Math.min(row, h - 1) * w + Math.min(column, w - 1)) * 4 + channel]
  const across = (row) => at(left, row) * (1 - x + left) + at(left + 1, row) * (x - left)
  return across(top) * (1 - y + top) + across(top + 1) * (y - top)
}
