/** What the client finds instead of `module` in a page of a browser. */
declare const self: typeof globalThis
