const PART_TYPES = ['image/jpeg', 'application/octet-stream', undefined]

/**
 * The form of `wx.uploadFile`. Nobody has published what phones write, so that it is another every time: the order of the
 * fields, the type of the file's part, and its name, which is never the photo's own.
 */
export function multipart({ name, formData = {} }, bytes, fileAnywhere) {
  const boundary = `----wx${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  const fields = shuffled(Object.entries(formData).filter(([, value]) => sendable(value)))
    .map(([field, value]) => [`content-disposition: form-data; name="${field}"`, encode(String(value))])
  const type = PART_TYPES[Math.floor(Math.random() * PART_TYPES.length)]
  const head = `content-disposition: form-data; name="${name}"; filename="tmp_${Math.random().toString(16).slice(2)}.jpg"`
  const file = [type ? `${head}\r\ncontent-type: ${type}` : head, bytes]

  const place = fileAnywhere ? Math.floor(Math.random() * (fields.length + 1)) : fields.length
  const parts = [...fields.slice(0, place), file, ...fields.slice(place)]
  const body = parts.flatMap(([headers, value]) => [encode(`--${boundary}\r\n${headers}\r\n\r\n`), value, encode('\r\n')])
  return { boundary, body: joined([...body, encode(`--${boundary}--\r\n`)]) }
}

// Booleans and what is not there do not arrive.
const sendable = (value) => typeof value === 'string' || typeof value === 'number'

const encode = (text) => new TextEncoder().encode(text)

function shuffled(list) {
  return list.map((item) => [Math.random(), item]).sort(([a], [b]) => a - b).map(([, item]) => item)
}

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
