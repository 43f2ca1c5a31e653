/** Why a URL may not be called, if it may not. */
export function domainFault(domains, api, text) {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return 'invalid url'
  if (!domains) return undefined
  const isAddress = /^[\d.]+$|^\[/.test(url.hostname)
  const mayBeListed = url.protocol === 'https:' && !isAddress && url.hostname !== 'localhost' && url.hostname !== 'api.weixin.qq.com'
  return mayBeListed && (domains[api] ?? []).includes(writtenOrigin(text)) ? undefined : 'not listed'
}

/** With the port as it is written: `:443` is another domain than none. */
const writtenOrigin = (text) => /^https?:\/\/[^/?#]*/.exec(text)[0]
