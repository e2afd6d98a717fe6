// The officer's desk: what the page shows, who works it, which act is being prepared, and what became of the last one.
//
//   lane ──press──▶ (login) ──▶ (value: plate, axles, ...) ──▶ (reason) ──▶ sent ──▶ field ──▶ lane
//
// An act carries the passage and the stamp of the view at the *first* press: what the person saw. If the lane has moved on, the desk says so and
// drops what was being prepared. A sent act stays pending until the view shows its effect, or says that the field has not followed.

import { api, pressId } from '../kit/api';
import { language } from '../kit/i18n.svelte';
import { recall, remember } from '../kit/memory';
import { Stream } from '../kit/stream.svelte';
import type { Act, ActOutcome, ApiError, Camera, LaneView, Mode, OfficerRow, Reason, ReasonCode, Second, Session, Vehicle, ViewAct, ViewFrame } from '../kit/wire';
import { shows } from './shows';

/** An act before its reason. */
export type Wish =
  | { do: 'agree' | 'confirm' | 'release' | 'reset_faults' | 'close_boom' }
  | { do: 'open' | 'refuse' | 'divert' | 'hold' | 'open_emergency' }
  | { do: 'correct_plate'; camera: Camera; plate: string }
  | { do: 'choose_declaration'; declaration: string }
  | { do: 'set_axles'; axles: number }
  | { do: 'set_mode'; mode: Mode }
  | { do: 'open_group'; count: number }
  | { do: 'second_consent'; to: string };

/** What the person looked at when pressing. */
export interface Seen { passage: string | null; stamp: number }

export type Sheet =
  | { at: 'lane' }
  | { at: 'reason'; wish: Wish; seen: Seen }
  | { at: 'words'; wish: Wish; seen: Seen }
  | { at: 'login'; then: { wish: Wish; seen: Seen } | null; supervisor: boolean; back?: Sheet }
  | { at: 'cameras'; camera: Camera }
  | { at: 'plate'; camera: Camera; seen: Seen }
  | { at: 'choose'; seen: Seen }
  | { at: 'axles'; seen: Seen }
  | { at: 'group' }
  | { at: 'more' }
  | { at: 'checks' }
  | { at: 'pictures' }
  | { at: 'faults' };

export interface Pending { act: Act; stage: 'sending' | 'field'; since: number }
export interface Notice { text: string; bad: boolean; until: number }

const FIELD_WITHIN_MS = 10_000;
const NOTICE_FOR_MS = 8_000;
const SHEET_IDLE_MS = 60_000;
const MAX_REMEMBERED_LOGINS = 4;
/** A view comes at least once a second: an act that vanished with less left has run out. */
const SECOND_RAN_OUT_MS = 1_500;
const REASONED = ['open', 'refuse', 'divert', 'hold', 'open_emergency', 'set_mode', 'open_group'];
/** A decision about the vehicle, which rests on the whole view and not only on the passage. */
const ON_THE_VIEW = ['open', 'agree', 'refuse', 'divert', 'hold', 'confirm'];

class Desk {
  readonly stream = new Stream<ViewFrame>('/api/stream', 'view');
  session: Session | null = $state.raw(null);
  sheet: Sheet = $state.raw({ at: 'lane' });
  pending: Pending | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  /** Who may log in here; `null`: the list did not come. */
  officers: OfficerRow[] | null = $state.raw(null);
  knownLogins: string[] = $state.raw((recall('logins') ?? '').split(' ').filter(Boolean));
  #sessionEndsAt = $state(0);
  /** By login: the page's clock at which the next PIN is looked at. */
  #lockedUntil: Record<string, number> = $state.raw({});
  #second: Second | null = null;
  #touchedAt = performance.now();

  start(): void {
    this.stream.open();
    void this.#askSession();
    addEventListener('pointerdown', () => (this.#touchedAt = performance.now()), { capture: true });
  }

  get frame(): ViewFrame | null {
    return this.stream.frame;
  }
  get view(): LaneView | null {
    return this.stream.frame?.view ?? null;
  }
  get vehicle(): Vehicle | null {
    return this.view?.at_boom ?? null;
  }
  get live(): boolean {
    return this.stream.liveness === 'live';
  }
  get sessionLeftMs(): number {
    return Math.max(0, this.#sessionEndsAt - this.stream.tick);
  }

  /** Runs on each tick: what time alone ends. */
  tend(): void {
    const now = this.stream.tick;
    if (this.notice !== null && now > this.notice.until) this.notice = null;
    if (this.session !== null && this.sessionLeftMs === 0) this.#end(language.words.ui.sessionEnded);
    if (this.sheet.at !== 'lane' && now - this.#touchedAt > SHEET_IDLE_MS) this.close();
    if (this.sheet.at !== 'lane' && this.live && this.#movedOn()) {
      this.close();
      this.tell(language.words.ui.factsChanged, true);
    }
    this.#watchSecond();
    const pending = this.pending;
    if (pending?.stage !== 'field') return;
    if (this.view !== null && shows(this.view, pending.act, this.session?.agency ?? '')) {
      this.pending = null;
      this.tell(language.words.ui.done, false);
    } else if (now - pending.since > FIELD_WITHIN_MS) {
      this.pending = null;
      this.tell(language.words.ui.notConfirmed, true);
    }
  }

  seen(): Seen {
    return { passage: this.vehicle?.passage ?? null, stamp: this.view?.stamp ?? 0 };
  }

  open(sheet: Sheet): void {
    this.#touchedAt = performance.now();
    this.notice = null;
    this.sheet = sheet;
  }

  close(): void {
    this.sheet = { at: 'lane' };
  }

  tell(text: string, bad: boolean): void {
    this.notice = { text, bad, until: performance.now() + NOTICE_FOR_MS };
  }

  isPending(...kinds: Act['do'][]): boolean {
    return this.pending !== null && kinds.includes(this.pending.act.do);
  }

  /** The next step of an act: log in, give the reason, send. */
  wish(wish: Wish, seen: Seen = this.seen()): void {
    const supervisor = wish.do === 'second_consent';
    if (this.session === null || (supervisor && this.session.role !== 'supervisor')) {
      this.open({ at: 'login', then: { wish, seen }, supervisor });
    } else if (REASONED.includes(wish.do)) {
      this.open({ at: 'reason', wish, seen });
    } else {
      this.close();
      void this.#send(wish as Act, seen);
    }
  }

  /** The reason was chosen (and written, where it is `other`). */
  reason(wish: Wish, seen: Seen, code: ReasonCode, text = ''): void {
    if (code === 'other' && text === '') return this.open({ at: 'words', wish, seen });
    const reason: Reason = { code, text };
    this.close();
    void this.#send({ ...wish, reason } as Act, seen);
  }

  /** A supervisor's word on how a camera looks. What the person is told. */
  async setView(camera: Camera, act: ViewAct): Promise<boolean> {
    const answer = await api.setView(camera, act);
    const { ui } = language.words;
    if (answer.ok) this.tell(ui.viewAccepted, false);
    else this.tell(answer.status === 409 ? ui.viewRefused : this.#refusal(answer.error, answer.status === 0 ? ui.unknownAnswer : ui.notSent), true);
    return answer.ok;
  }

  /** Until the next PIN of this login is looked at; 0: now. */
  lockedMs(id: string): number {
    return Math.max(0, (this.#lockedUntil[id] ?? 0) - this.stream.tick);
  }

  async askOfficers(): Promise<void> {
    const answer = await api.officers();
    this.officers = answer.ok ? answer.body.officers : null;
    for (const officer of this.officers ?? []) this.#lock(officer.id, officer.locked_s ?? 0);
  }

  #lock(id: string, seconds: number): void {
    this.#lockedUntil = { ...this.#lockedUntil, [id]: performance.now() + seconds * 1000 };
  }

  /** What the person is told; `null`: nothing, it went on. */
  async login(id: string, pin: string): Promise<string | null> {
    const answer = await api.login({ id, pin });
    if (!answer.ok) {
      const { ui } = language.words;
      const locked = answer.status === 429 ? answer.error?.retry_after_s : undefined;
      if (locked !== undefined) {
        this.#lock(id, locked);
        return null;
      }
      return answer.status === 401 ? ui.loginFailed : this.#refusal(answer.error, ui.notSent);
    }
    const { session } = answer.body;
    if (session === null) return language.words.ui.notSent;
    this.#begin(session);
    this.knownLogins = [id, ...this.knownLogins.filter((known) => known !== id)].slice(0, MAX_REMEMBERED_LOGINS);
    remember('logins', this.knownLogins.join(' '));
    const then = this.sheet.at === 'login' ? this.sheet.then : null;
    const back = this.sheet.at === 'login' ? this.sheet.back : undefined;
    if (then === null && back !== undefined) this.open(back);
    else if (then === null) this.close();
    else if (then.wish.do === 'second_consent' && session.role !== 'supervisor') return language.words.actOutcome.not_allowed;
    else this.wish(then.wish, then.seen);
    return null;
  }

  async logout(): Promise<void> {
    this.close();
    await api.logout();
    this.#end(null);
  }

  async #askSession(): Promise<void> {
    const answer = await api.session();
    if (answer.ok && answer.body.session !== null) this.#begin(answer.body.session);
  }

  #begin(session: Session): void {
    this.session = session;
    this.#sessionEndsAt = performance.now() + session.idle_left_ms;
  }

  #end(why: string | null): void {
    this.session = null;
    if (why !== null) this.tell(why, false);
  }

  /** Has what the open sheet was opened on changed? */
  #movedOn(): boolean {
    const sheet = this.sheet;
    const open = sheet.at === 'login' ? sheet.then : 'seen' in sheet ? sheet : null;
    if (open === null) return false;
    const now = this.seen();
    const wish = 'wish' in open ? open.wish.do : sheet.at === 'plate' ? 'correct_plate' : 'set_axles';
    if (ON_THE_VIEW.includes(wish)) return open.seen.stamp !== now.stamp || open.seen.passage !== now.passage;
    return open.seen.passage !== now.passage && ['correct_plate', 'set_axles', 'choose_declaration', 'release'].includes(wish);
  }

  /** A second person who did not come: said once, to whoever looks. */
  #watchSecond(): void {
    const last = this.#second;
    const now = this.view?.waiting_second ?? null;
    if (now !== null) this.#second = now;
    if (last === null || now !== null) return;
    this.#second = null;
    if (last.left_ms < SECOND_RAN_OUT_MS && this.view?.permit === null) this.tell(language.words.ui.secondRanOut, true);
  }

  async #send(act: Act, seen: Seen): Promise<void> {
    const request = { id: pressId(), passage: seen.passage, view_stamp: seen.stamp, act };
    this.pending = { act, stage: 'sending', since: performance.now() };
    let answer = await api.act(request);
    // The same id again: where the first one got through, the lane answers `repeated` and does nothing twice.
    if (!answer.ok && answer.status === 0) answer = await api.act(request);
    if (!answer.ok) {
      this.pending = null;
      if (answer.status === 401) {
        this.session = null;
        return this.tell(language.words.ui.sessionEnded, true);
      }
      const unknown = answer.status === 0 || answer.status === 504;
      return this.tell(unknown ? language.words.ui.unknownAnswer : this.#refusal(answer.error, language.words.ui.notSent), true);
    }
    if (this.session !== null) this.#begin(this.session);
    this.#heed(act, answer.body.outcome);
  }

  #heed(act: Act, outcome: ActOutcome): void {
    if (outcome === 'accepted' || outcome === 'repeated') {
      this.pending = { act, stage: 'field', since: performance.now() };
      return this.tend();
    }
    this.pending = null;
    this.tell(language.words.actOutcome[outcome] ?? outcome, outcome !== 'needs_second');
  }

  #refusal(error: ApiError | null, otherwise: string): string {
    return error?.[`message_${language.words.code}`] || otherwise;
  }
}

export const desk = new Desk();
