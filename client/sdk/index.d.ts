// What the client of mini-functions offers. The types of requests and answers are made from docs/openapi.yaml (api.d.ts).
import type { components, paths } from './api'

export type Image = components['schemas']['Image']
export type Task = components['schemas']['Task']
export type ResolvedImage = components['schemas']['ResolvedImage']
export type Session = components['schemas']['SignedIn']
export type Variant = 'thumb' | 'medium' | 'original'

// ---- errors -----------------------------------------------------------------------------------------------------------

/** Names of errors that come from the phone, not from the server; `errcode` and `status` are 0 or the strange status. */
export type ClientError =
  | 'aborted' | 'bad_answer' | 'domain_not_allowed' | 'file_missing' | 'interrupted' | 'network_error' | 'still_pending'
  | 'timeout' | 'upload_refused'

export interface ApiErrorFields {
  /** Chinese, to be shown to the user; the same as `message`. */
  errmsg: string
  /** The server's number, as 40101; 0 where no server has spoken. */
  errcode: number
  /** HTTP status; 0 where there was no answer. */
  status: number
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
type JsonBody<O> = O extends { requestBody?: infer B }
  ? Exclude<B, undefined> extends { content: { 'application/json': infer T } } ? T : never
  : never
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

/** A call of a route of your own, which `docs/openapi.yaml` does not know. */
export interface FreeCall extends AnyCall {
  path?: { [name: string]: string | number }
  query?: { [name: string]: string | number | boolean | null | undefined }
  body?: object
}

// ---- uploads ----------------------------------------------------------------------------------------------------------

export interface Progress {
  /** Bytes. */
  sent: number
  total: number
  /** 0 to 1; never falls. */
  progress: number
}
export interface UploadOptions {
  onProgress?: (progress: Progress) => void
  signal?: Signal
  /** That of an earlier try of the same photo (`error.uploadId`). */
  uploadId?: string
}
export interface BatchPhoto {
  filePath: string
  uploadId: string
  state: 'waiting' | 'uploading' | 'done' | 'failed'
  /** Bytes. */
  sent: number
  total: number
  /** There when `done`. */
  image?: Image
  /** There when `failed`. */
  error?: ApiError
}
export interface BatchProgress extends Progress {
  done: number
  failed: number
  photos: readonly BatchPhoto[]
}
export interface BatchOptions {
  onProgress?: (progress: BatchProgress) => void
  signal?: Signal
  /** One after the other, so that the task lists them in this order. Otherwise several at once, which is faster. */
  inOrder?: boolean
}

// ---- the client -------------------------------------------------------------------------------------------------------

export interface Client {
  /** The session at hand, or a new one by `wx.login`. Other calls do this by themselves. `force` takes a new one anyway. */
  login(how?: { force?: boolean }): Promise<Session>
  /** Ends this session; `everywhere` ends all sessions of the user. */
  logout(how?: { everywhere?: boolean }): Promise<void>
  /** The session at hand, if any. It may have ended meanwhile: only the server knows. */
  readonly session: Session | null

  request<R extends Route>(route: R, ...call: Arguments<R>): Promise<Answer<R>>
  request<T = unknown>(route: string, call?: FreeCall): Promise<T>

  uploadTaskImage(taskId: string, filePath: string, how?: UploadOptions): Promise<Image>
  /** Never rejects because of a photo: each has its `image` or its `error`. In the order of `files`; give the failed ones again as they are. */
  uploadTaskImages(taskId: string, files: readonly (string | { filePath: string, uploadId?: string })[], how?: BatchOptions): Promise<BatchPhoto[]>
  /** For the path that `button open-type="chooseAvatar"` gives. */
  uploadAvatar(filePath: string, how?: UploadOptions): Promise<Image>

  /** For `<image src>`: leads to the image, or to a default image. */
  imageUrl(name: string, how?: { variant?: Variant }): string
  avatarUrl(userId: string): string
  /** One entry per name, in the same order; kept in memory until shortly before the URLs end. */
  resolveImages(names: readonly string[], how?: { variant?: Variant, signal?: Signal }): Promise<ResolvedImage[]>
  /** A data URL of a few hundred bytes to show until the image is there; empty if the image has none. */
  placeholder(image: { placeholder?: string | null }): string
}

export interface ClientOptions {
  /** As `https://api.example.com`. It belongs on the lists of request and uploadFile domains. */
  baseUrl: string
  /** Where the session is kept: by default `wx.setStorageSync`. */
  storage?: {
    get(key: string): Session | null | undefined | ''
    set(key: string, session: Session): void
    remove(key: string): void
  }
  /** Another platform than `wx`, as in tests. */
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

export function createClient(options: ClientOptions): Client
/** As `client.placeholder`. */
export function placeholder(image: { placeholder?: string | null }): string

declare global {
  /** In a page that loads this file by itself. */
  var miniFunctions: typeof import('./index')
}
