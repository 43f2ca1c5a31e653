const { formatTime } = require('../../lib/format')

const app = getApp()

Page({
  data: { avatar: '', title: '', tasks: [], cursor: null, loading: true, error: '' },

  onLoad() {
    this.refresh()
  },

  async onPullDownRefresh() {
    await this.refresh()
    wx.stopPullDownRefresh()
  },

  onReachBottom() {
    if (this.data.cursor) this.attempt(() => this.loadMore())
  },

  refresh() {
    return this.attempt(() => Promise.all([this.loadAvatar(), this.loadFirst()]))
  },

  async loadAvatar() {
    const { user_id } = await app.client.request('GET /session')
    this.setData({ avatar: app.client.avatarUrl(user_id) })
  },

  async loadFirst() {
    this.setData({ loading: true })
    const { tasks, cursor } = await app.client.request('GET /tasks')
    this.setData({ tasks: tasks.map(forDisplay), cursor })
  },

  async loadMore() {
    const { tasks, cursor } = await app.client.request('GET /tasks', { query: { cursor: this.data.cursor } })
    this.setData({ tasks: [...this.data.tasks, ...tasks.map(forDisplay)], cursor })
  },

  typeTitle({ detail }) {
    this.setData({ title: detail.value })
  },

  createTask() {
    const title = this.data.title.trim()
    if (!title) return undefined
    return this.attempt(async () => {
      const task = await app.client.request('POST /tasks', { body: { title } })
      this.setData({ title: '', tasks: [forDisplay(task), ...this.data.tasks] })
      open(task.task_id)
    })
  },

  openTask({ currentTarget }) {
    open(currentTarget.dataset.id)
  },

  // The platform hands over a temporary file, checked by WeChat already; where its check fails, nothing is called.
  changeAvatar({ detail }) {
    return this.attempt(async () => {
      wx.showLoading({ title: '正在上传' })
      try {
        const image = await app.client.uploadAvatar(detail.avatarUrl)
        this.setData({ avatar: image.url })
      } finally {
        wx.hideLoading()
      }
    })
  },

  signOutEverywhere() {
    wx.showModal({
      title: '在所有设备上退出登录？',
      content: '下次使用时会自动重新登录。',
      success: ({ confirm }) => {
        if (confirm) this.attempt(() => this.endSessions())
      },
    })
  },

  async endSessions() {
    await app.client.logout({ everywhere: true })
    this.setData({ avatar: '', tasks: [], cursor: null })
    wx.showToast({ title: '已退出登录' })
  },

  /** Does it, and shows why it did not work. */
  async attempt(work) {
    this.setData({ error: '' })
    try {
      await work()
    } catch (error) {
      this.setData({ error: error.errmsg })
    } finally {
      this.setData({ loading: false })
    }
  },
})

function open(taskId) {
  wx.navigateTo({ url: `/pages/task/task?task_id=${taskId}` })
}

function forDisplay({ task_id, title, created_at }) {
  return { task_id, title: title || '未命名', created: formatTime(created_at) }
}
