module.exports = {
  // The back end: `make local` says its address; on a phone it is the machine's address in the LAN, or the HttpApi's own.
  baseUrl: 'http://127.0.0.1:8787',

  // Whom the fake WeChat of `make local` takes you for. Empty: codes of wx.login, which need the real WeChat behind the back end.
  testUser: 'alice',
}
