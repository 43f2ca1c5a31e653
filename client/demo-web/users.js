// Test users of the fake WeChat. Each has a phone of their own in this page: storage, network and client.

import { createClient } from './sdk/index.js'
import { createWx } from './wx-emulator/index.js'
import { transport } from './wx-emulator/transport-browser.js'

import { afflict, slowed } from './faults.js'
import { record } from './calls.js'

export const USERS = ['alice', 'bob', 'carol']

const phones = Object.fromEntries(USERS.map((user) => [user, phone(user)]))

export const clientOf = (user) => phones[user].client
export const deviceOf = (user) => phones[user].device

function phone(user) {
  const storage = {
    getItem: (key) => localStorage.getItem(`${user}: ${key}`),
    setItem: (key, text) => localStorage.setItem(`${user}: ${key}`, text),
    removeItem: (key) => localStorage.removeItem(`${user}: ${key}`),
  }
  const { wx, device } = createWx({ transport: slowed(transport), user, storage })
  afflict(device)
  device.onCall((call) => record(user, call))
  return { device, client: createClient({ baseUrl: location.origin, wx }) }
}
