// Requests of the screens (docs/screen-api.md). Each ends within its limit; nothing is thrown.

import type { ActAnswer, ActRequest, ApiError, Camera, LoginRequest, OfficersAnswer, SessionAnswer, StopAnswer, ViewAct, ViewAnswer } from './wire';

const ANSWER_WITHIN_MS = 5_000;
const STOP_ANSWER_WITHIN_MS = 1_500;

/** `status` 0: nobody answered. */
export type Answer<T> = { ok: true; body: T } | { ok: false; status: number; error: ApiError | null };

async function request<T>(path: string, method: 'GET' | 'POST', body: unknown, withinMs: number): Promise<Answer<T>> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), withinMs);
  try {
    const init: RequestInit = { method, signal: controller.signal, cache: 'no-store', credentials: 'same-origin' };
    if (method === 'POST') {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    const response = await fetch(path, init);
    const json = (await response.json().catch(() => null)) as unknown;
    if (response.ok) return { ok: true, body: json as T };
    return { ok: false, status: response.status, error: json as ApiError | null };
  } catch {
    return { ok: false, status: 0, error: null };
  } finally {
    clearTimeout(timer);
  }
}

/** A camera's picture that a person looks at; `picture` is its digest. */
export interface Look { picture: string; url: string }

/** `null`: there is none. */
async function look(path: string): Promise<Look | null> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: 'no-store', credentials: 'same-origin' });
    const picture = response.headers.get('etag')?.replaceAll('"', '');
    if (!response.ok || picture === undefined) return null;
    const bytes = await response.blob();
    const url = await new Promise<string>((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.onerror = () => reject(new Error('unreadable'));
      reader.readAsDataURL(bytes);
    });
    return { picture, url };
  } catch {
    return null;
  }
}

export const api = {
  lookNow: (camera: Camera) => look(`/api/camera/${camera}/now`),
  lookAccepted: (camera: Camera) => look(`/api/camera/${camera}/view`),
  setView: (camera: Camera, act: ViewAct) => request<ViewAnswer>(`/api/camera/${camera}/view`, 'POST', act, ANSWER_WITHIN_MS),
  stop: () => request<StopAnswer>('/api/stop', 'POST', {}, STOP_ANSWER_WITHIN_MS),
  act: (act: ActRequest) => request<ActAnswer>('/api/act', 'POST', act, ANSWER_WITHIN_MS),
  login: (who: LoginRequest) => request<SessionAnswer>('/api/login', 'POST', who, ANSWER_WITHIN_MS),
  logout: () => request<SessionAnswer>('/api/logout', 'POST', {}, ANSWER_WITHIN_MS),
  session: () => request<SessionAnswer>('/api/session', 'GET', undefined, ANSWER_WITHIN_MS),
  officers: () => request<OfficersAnswer>('/api/officers', 'GET', undefined, ANSWER_WITHIN_MS),
};

/** A fresh idempotency id. */
export function pressId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
