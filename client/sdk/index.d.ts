// What the client of mini-functions offers. The types of requests and answers are made from docs/openapi.yaml (api.d.ts).
import type { components, paths } from './api.js'

export type Image = components['schemas']['Image']
export type Task = components['schemas']['Task']
export type ResolvedImage = components['schemas']['ResolvedImage']
export type Session = components['schemas']['SignedIn']
export type Variant = 'thumb' | 'medium' | 'original'

// ---- errors -----------------------------------------------------------------------------------------------------------

/** Names of errors that come from the phone, not from the server; `errcode` and `status` are 0 or the strange status. */
export type ClientError =
  | 'aborted' | 'bad_answer' | 'domain_not_allowed' | 'file_missing' | 'interrupted' | 'invalid_call' | 'network_error'
  | 'still_pending' | 'timeout' | 'upload_refused'

export interface ApiErrorFields {
  /** Chinese, to be shown to the user; the same as `message`. */
  errmsg: string
  /** The server's number, as 40101; 0 where no server has spoken. */
  errcode: number
  /** HTTP status; 0 where there was no answer. */
  status: number
  /** English, for the programmer: what was wrong with the call. */
  detail?: string
  /** What the logs of the server know the request by. */
  requestId?: string
  /** Seconds that the server asks to wait. */
  retryAfter?: number
  /** Whether the same call may succeed later; the client has tried several times before it says so. */
  retryable: boolean
  /** Of uploads: give it to the next try of the same photo, so that the photo is not there twice. */
  uploadId?: string
  cause?: unknown
}

/** The one class of all errors. */
export class ApiError extends Error implements ApiErrorFields {
  constructor(error: string, fields?: Partial<ApiErrorFields>)
  /** What programs compare: a name of docs/errors.md, or one of `ClientError`. */
  error: ClientError | (string & {})
  errmsg: string
  errcode: number
  status: number
  detail?: string
  requestId?: string
  retryAfter?: number
  retryable: boolean
  uploadId?: string
  cause?: unknown
}

// ---- abort ------------------------------------------------------------------------------------------------------------

/** As the standard AbortSignal, which fits, too. */
export interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}
export interface Abort {
  readonly signal: Signal
  abort(): void
}
export function createAbort(): Abort

// ---- requests, typed by docs/openapi.yaml -----------------------------------------------------------------------------

/** Routes with calls of their own here, or whose answers are pictures. */
type NotForRequest = '/session' | '/tasks/{task_id}/images' | '/me/avatar' | '/images/{name}' | '/users/{user_id}/avatar'
  | '/task/postImage' | '/task/{imagename}'
type Methods<P extends keyof paths> = { [M in 'get' | 'post' | 'put' | 'delete']: paths[P][M] extends object ? M : never }
type MethodOf<P extends keyof paths> = Exclude<Methods<P>['get' | 'post' | 'put' | 'delete'], undefined>
type RoutesOf<P extends keyof paths> = P extends string ? `${Uppercase<MethodOf<P>>} ${P}` : never

/** As `'GET /tasks/{task_id}'`. */
export type Route = { [P in Exclude<keyof paths, NotForRequest>]: RoutesOf<P> }[Exclude<keyof paths, NotForRequest>] | 'GET /session'

type Operation<R extends Route> = R extends `${infer M} ${infer P}`
  ? P extends keyof paths ? paths[P][Lowercase<M> & keyof paths[P]] : never
  : never
type Parameter<O, K extends 'path' | 'query'> = O extends { parameters: { [_ in K]?: infer T } } ? Exclude<T, undefined> : never
type JsonBody<O> = O extends { requestBody?: infer B } ? JsonOf<Exclude<B, undefined>> : never
type JsonOf<B> = B extends { content: { 'application/json': infer T } } ? T : never
type PathPart<T> = [T] extends [never] ? { path?: undefined } : { path: T }
type QueryPart<T> = [T] extends [never] ? { query?: undefined } : { query?: T }
type BodyPart<O, T> = [T] extends [never] ? { body?: undefined } : O extends { requestBody: object } ? { body: T } : { body?: T }

interface AnyCall {
  signal?: Signal
  /** Of `POST /tasks`: keep it and give it again, so that a second try makes no second task. Made anew if missing. */
  idempotencyKey?: string
  /** false: try once only. */
  retry?: boolean
}
export type Call<R extends Route> = AnyCall & PathPart<Parameter<Operation<R>, 'path'>>
  & QueryPart<Parameter<Operation<R>, 'query'>> & BodyPart<Operation<R>, JsonBody<Operation<R>>>

type Json<A> = A extends { content: { 'application/json': infer T } } ? T : undefined
type Good<A> = { [S in keyof A]: S extends 200 | 201 | 204 ? Json<A[S]> : never }[keyof A]
/** What a route answers when all is well. */
export type Answer<R extends Route> = Operation<R> extends { responses: infer A } ? Good<A> : never

type Arguments<R extends Route> = {} extends Call<R> ? [call?: Call<R>] : [call: Call<R>]

/** Any text but the routes that are typed: their faults are not to pass as a route of your own. */
type FreeRoute<R extends string> = R extends Route ? never : R

/** A call of a route of your own, which `docs/openapi.yaml` does not know. */
export interface FreeCall extends AnyCall {
  path?: { [name: string]: string | number }
  query?: { [name: string]: string | number | boolean | null | undefined }
  body?: object
}

// ---- uploads ----------------------------------------------------------------------------------------------------------

/** A photo and how far it is. */
export interface BatchPhoto {
  /** With `keepBatch` that of the saved file. */
  filePath: string
  uploadId: string
  /**
   * `waiting` for its turn, or for a network (then with `error`) · `sending` · `retrying` after a pause (with `error`,
   * `attempt` and `seconds`) · `processing`: all of it is sent, and the server is at work · `done` · `failed`.
   */
  state: 'waiting' | 'sending' | 'retrying' | 'processing' | 'done' | 'failed'
  /** 0 to 1; never falls, and is 1 when it is `done` only. */
  progress: number
  /** Bytes. */
  sent: number
  /** Bytes; 0 where the phone does not say. */
  total: number
  /** Of `retrying`: the number of the try that comes, 2 or more. */
  attempt?: number
  /** Of `retrying`: the pause before it. */
  seconds?: number
  /** Of `failed` and `retrying`, and of `waiting` for a network. */
  error?: ApiError
  /** Of `done`. */
  image?: Image
}
export interface UploadOptions {
  onProgress?: (photo: BatchPhoto) => void
  signal?: Signal
  /** That of an earlier try of the same photo (`error.uploadId`). */
  uploadId?: string
}
export interface BatchProgress {
  /** Bytes. */
  sent: number
  total: number
  /** 0 to 1; never falls. */
  progress: number
  done: number
  failed: number
  photos: readonly BatchPhoto[]
}
export interface BatchOptions {
  onProgress?: (progress: BatchProgress) => void
  signal?: Signal
  /** One after the other, so that the task lists them in this order. Otherwise several at once, which is faster. */
  inOrder?: boolean
  /** Keeps what is not done yet, so that it can go on when the app is started again: see `keptBatches`. */
  keepBatch?: boolean
}
/** What `uploadTaskImages` takes. */
export interface KeptBatch {
  taskId: string
  files: { filePath: string, uploadId: string }[]
}

// ---- the client -------------------------------------------------------------------------------------------------------

export interface Client {
  /** The session at hand, or a new one by `wx.login`. Other calls do this by themselves. `force` takes a new one anyway. */
  login(how?: { force?: boolean }): Promise<Session>
  /** Ends this session; `everywhere` ends all sessions of the user. */
  logout(how?: { everywhere?: boolean }): Promise<void>
  /** The session at hand, if any. It may have ended meanwhile: only the server knows. */
  readonly session: Session | null

  request<T = unknown, R extends string = string>(route: FreeRoute<R>, call?: FreeCall): Promise<T>
  request<R extends Route>(route: R, ...call: Arguments<R>): Promise<Answer<R>>

  uploadTaskImage(taskId: string, filePath: string, how?: UploadOptions): Promise<Image>
  /** Never rejects because of a photo: each has its `image` or its `error`. In the order of `files`; give the failed ones again as they are. */
  uploadTaskImages(taskId: string, files: readonly (string | { filePath: string, uploadId?: string })[], how?: BatchOptions): Promise<BatchPhoto[]>
  /** For the path that `button open-type="chooseAvatar"` gives. */
  uploadAvatar(filePath: string, how?: UploadOptions): Promise<Image>
  /** What was not done when the app ended, of batches with `keepBatch`: give it to `uploadTaskImages`, with `keepBatch` again. */
  keptBatches(): KeptBatch[]
  /** Keeps this photo no longer: the user has taken it off the list. */
  forgetUpload(uploadId: string): void

  /** For `<image src>`: leads to the image, or to a default image. */
  imageUrl(name: string, how?: { variant?: Variant }): string
  avatarUrl(userId: string): string
  /** One entry per name, in the same order; kept in memory until shortly before the URLs end. */
  resolveImages(names: readonly string[], how?: { variant?: Variant, signal?: Signal }): Promise<ResolvedImage[]>
  /** The path of a temporary file with the image: for a poster, or for `wx.saveImageToPhotosAlbum`. */
  download(name: string, how?: { variant?: Variant, signal?: Signal, onProgress?: (progress: { progress: number }) => void }): Promise<string>
  /** A data URL of a few hundred bytes to show until the image is there; empty if the image has none. */
  placeholder(image: { placeholder?: string | null }): string
}

export interface Environments {
  /** In the developer tools, and the version that they send to a phone. */
  develop: string
  /** 体验版. */
  trial: string
  /** What users have. */
  release: string
}

interface AnyOptions {
  /** Where the session and unfinished uploads are kept: by default `wx.setStorageSync`. What it throws is ignored. */
  storage?: {
    get(key: string): any
    set(key: string, value: any): void
    remove(key: string): void
  }
  /** Another platform than the global `wx`: `Taro`, `uni`, or that of a test. */
  wx?: any
  /** How often a call is tried (6). */
  attempts?: number
  /** Milliseconds before the second try (500); then twice as long each time, at most 10 s. */
  firstPause?: number
  /** Photos that are sent at once (3). */
  parallel?: number
  /** Photos of a task over so many bytes go to S3 directly (4 MiB). */
  directBytes?: number
  /** Milliseconds (15000). */
  requestTimeout?: number
  /** Milliseconds (120000). */
  uploadTimeout?: number
}

/** `baseUrl` as `https://api.example.com`, also with a path. It belongs on the lists of request and uploadFile domains. */
export type ClientOptions = AnyOptions & (
  | { baseUrl: string, environments?: undefined }
  /** One address for each version of the mini-program (`envVersion` of `wx.getAccountInfoSync`). */
  | { environments: Environments, baseUrl?: undefined }
)

/** Throws an `ApiError` for options that cannot be. */
export function createClient(options: ClientOptions): Client
/** As `client.placeholder`. */
export function placeholder(image: { placeholder?: string | null }): string

declare const miniFunctions: {
  ApiError: typeof ApiError
  createAbort: typeof createAbort
  createClient: typeof createClient
  placeholder: typeof placeholder
}
export default miniFunctions
