/** `wx`'s storage: what is put in is copied, what is missing is an empty text. */
export function createStorage(under = inMemory()) {
  const read = (key) => {
    const text = under.getItem(key)
    return text === null || text === undefined ? '' : JSON.parse(text)
  }
  return {
    getStorageSync: read,
    setStorageSync: (key, value) => under.setItem(key, JSON.stringify(value)),
    removeStorageSync: (key) => under.removeItem(key),
  }
}

function inMemory() {
  const kept = new Map()
  return { getItem: (key) => kept.get(key), setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key) }
}
