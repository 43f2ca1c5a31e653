const { createClient } = require('./lib/mini-functions')
const { createUploads } = require('./lib/uploads')
const { baseUrl, testUser } = require('./config')

App({
  onLaunch() {
    this.client = createClient({ baseUrl, wx: testUser ? withTestUser() : wx })
    this.uploads = createUploads(this.client)
  },
})

function withTestUser() {
  const nonce = () => Math.random().toString(36).slice(2)
  const login = ({ success }) => success({ code: `dev-${testUser}-${nonce()}` })
  return Object.create(wx, { login: { value: login } })
}
