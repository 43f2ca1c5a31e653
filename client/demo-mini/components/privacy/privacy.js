// Since base library 2.32.3 the platform asks before photos or an avatar are taken. It waits for an answer by `resolve`.
Component({
  data: { shown: false },

  lifetimes: {
    attached() {
      this.listen()
    },
  },

  pageLifetimes: {
    // The platform keeps the last listener only: the page in front has to be the one that asks.
    show() {
      this.listen()
    },
  },

  methods: {
    listen() {
      if (!wx.onNeedPrivacyAuthorization) return
      wx.onNeedPrivacyAuthorization((resolve) => {
        this.resolve = resolve
        this.setData({ shown: true })
      })
    },

    read() {
      wx.openPrivacyContract({})
    },

    agree() {
      this.answer({ buttonId: 'privacy-agree', event: 'agree' })
    },

    refuse() {
      this.answer({ event: 'disagree' })
    },

    answer(answer) {
      this.setData({ shown: false })
      this.resolve(answer)
    },
  },
})
