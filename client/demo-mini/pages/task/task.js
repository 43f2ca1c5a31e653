const app = getApp()

// A task may have more photos; this is what the platform lets choose at once on old phones, too.
const PHOTOS_AT_ONCE = 9

Page({
  data: { title: '', images: [], photos: [], loading: true, error: '' },

  onLoad({ task_id }) {
    this.taskId = task_id
    this.stopListening = app.uploads.listen((taskId, arrived) => {
      if (taskId === this.taskId) this.showUploads(arrived)
    })
  },

  onUnload() {
    this.stopListening()
  },

  onShow() {
    this.showUploads()
    return this.load()
  },

  async onPullDownRefresh() {
    await this.load()
    wx.stopPullDownRefresh()
  },

  /** What arrives while the task is being read may be missing in the answer. */
  async load() {
    this.arrived = []
    this.setData({ error: '' })
    try {
      const path = { task_id: this.taskId }
      const { title, images } = await app.client.request('GET /tasks/{task_id}', { path })
      const names = new Set(images.map((image) => image.name))
      const newer = this.arrived.filter((image) => !names.has(image.name))
      this.setData({ title: title || '未命名', images: [...images, ...newer].map(forDisplay) })
      wx.setNavigationBarTitle({ title: this.data.title })
    } catch (error) {
      this.setData({ error: error.errmsg })
    } finally {
      this.setData({ loading: false })
    }
  },

  showUploads(arrived) {
    this.setData({ photos: app.uploads.of(this.taskId) })
    if (!arrived) return
    this.arrived.push(arrived)
    this.setData({ images: [...this.data.images, forDisplay(arrived)] })
  },

  addPhotos() {
    wx.chooseMedia({
      count: PHOTOS_AT_ONCE,
      mediaType: ['image'],
      sourceType: ['album', 'camera'],
      sizeType: ['compressed'],
      success: ({ tempFiles }) => app.uploads.add(this.taskId, tempFiles.map((file) => file.tempFilePath)),
      fail: ({ errMsg }) => {
        if (!errMsg.includes('cancel')) wx.showToast({ title: '没有得到照片，请检查授权', icon: 'none' })
      },
    })
  },

  chooseForPhoto({ currentTarget }) {
    const { id } = currentTarget.dataset
    wx.showActionSheet({
      itemList: ['重新上传', '移除这张'],
      success: ({ tapIndex }) => (tapIndex === 0 ? app.uploads.retry(id) : app.uploads.discard(id)),
      fail: () => {},
    })
  },

  preview({ currentTarget }) {
    const ready = this.data.images.filter((image) => image.state === 'ready')
    const current = this.data.images[currentTarget.dataset.at]
    if (current.state === 'ready') wx.previewImage({ urls: ready.map((image) => image.full), current: current.full })
  },

  markLoaded({ currentTarget }) {
    this.setData({ [`images[${currentTarget.dataset.at}].loaded`]: true })
  },

  // Most likely the URL has ended while the page was open: one more is asked for, once.
  async askAgain({ currentTarget }) {
    const { at } = currentTarget.dataset
    const image = this.data.images[at]
    if (image.askedAgain) return
    this.setData({ [`images[${at}].askedAgain`]: true })
    try {
      const [fresh] = await app.client.resolveImages([image.name])
      this.setData({ [`images[${at}].small`]: fresh.url, [`images[${at}].full`]: fresh.url })
    } catch (error) {
      this.setData({ error: error.errmsg })
    }
  },

  chooseForImage({ currentTarget }) {
    const image = this.data.images[currentTarget.dataset.at]
    wx.showActionSheet({
      itemList: ['复制图片地址', '删除'],
      success: ({ tapIndex }) => (tapIndex === 0 ? this.copyAddress(image) : this.remove(image)),
      fail: () => {},
    })
  },

  copyAddress(image) {
    wx.setClipboardData({ data: app.client.imageUrl(image.name) })
  },

  async remove({ name }) {
    try {
      await app.client.request('DELETE /tasks/{task_id}/images/{name}', { path: { task_id: this.taskId, name } })
      this.setData({ images: this.data.images.filter((image) => image.name !== name) })
    } catch (error) {
      this.setData({ error: error.errmsg })
    }
  },
})

/** From coarse to fine: the placeholder at once, the small picture in the grid, the full one in the preview. */
function forDisplay(image) {
  const { thumb } = image.variants
  return {
    name: image.name,
    state: image.state,
    placeholder: app.client.placeholder(image) || '',
    small: thumb ? thumb.url : image.url,
    full: image.url,
  }
}
