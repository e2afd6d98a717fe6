// A daemon that speaks docs/screen-api.md from fixtures: pages from ui/dist, the two streams, sessions, acts, Stop. It can stall its lane loop,
// fall silent on acts, and change its view; it keeps every request it got.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { ActOutcome, ActRequest, Camera, LaneView, OfficerRow, Session, Sign, ViewAct, ViewFrame } from '../../ui/src/kit/wire';
import { platePicture } from './picture';

const DIST = new URL('../../ui/dist/', import.meta.url).pathname;
const TYPES: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** The policy that the daemon sends. */
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MAX_BODY_BYTES = 16 * 1024;

export class MockLane {
  acts: ActRequest[] = [];
  views: { camera: Camera; act: ViewAct }[] = [];
  stops = 0;
  logins: { id: string; pin: string }[] = [];
  streams = 0;
  session: Session | null = null;
  outcome: ActOutcome = 'accepted';
  /** Answered instead of an outcome: status and word. */
  refusal: [status: number, word: string] | null = null;
  /** Who may log in; `null`: the list is not answered. */
  officers: OfficerRow[] | null = [
    { id: 'bien.tran', agency: 'border_guard', role: 'officer', locked_s: null },
    { id: 'giamsat.minh', agency: 'customs', role: 'supervisor', locked_s: null },
    { id: 'lan.nguyen', agency: 'customs', role: 'officer', locked_s: null },
    { id: 'kithuat.son', agency: 'gate_board', role: 'technician', locked_s: null },
  ];
  /** Seconds a login stays shut, by login. */
  locked: Record<string, number> = {};
  /** Acts are taken and never answered. */
  mute = false;
  turning = true;
  /** Called after an accepted act: what the field does about it. */
  onAct: (act: ActRequest) => void = () => undefined;
  #turn = 100;
  #server: Server;
  #clients = new Set<{ response: ServerResponse; kind: 'lane' | 'driver' }>();
  #timer: ReturnType<typeof setInterval>;
  #started = Date.now();

  private constructor(public frame: ViewFrame) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    let beats = 0;
    this.#timer = setInterval(() => {
      if (this.turning) this.#turn += 7;
      this.#send('beat', { turn: this.#turn, ...this.#times() });
      if (this.turning && beats++ % 2 === 0) this.#sendView();
    }, 500);
  }

  static async start(frame: ViewFrame): Promise<MockLane> {
    const lane = new MockLane(frame);
    await new Promise<void>((resolve) => lane.#server.listen(0, '127.0.0.1', resolve));
    return lane;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  show(frame: ViewFrame): void {
    this.frame = frame;
    if (this.turning) this.#turn += 1;
    this.#sendView();
  }

  change(more: Partial<LaneView>): void {
    this.show({ ...this.frame, view: { ...this.frame.view, ...more } });
  }

  get openStreams(): number {
    return this.#clients.size;
  }

  /** The connections drop; the daemon lives on. */
  cut(): void {
    for (const { response } of this.#clients) response.destroy();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const { response } of this.#clients) response.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #times(): { now_ms: number; utc_ms: number; clock_trusted: boolean } {
    const passed = Date.now() - this.#started;
    return { now_ms: this.frame.now_ms + passed, utc_ms: this.frame.utc_ms + passed, clock_trusted: this.frame.clock_trusted };
  }

  #sendView(): void {
    this.#send('view', { ...this.frame, turn: this.#turn, ...this.#times() }, 'lane');
    const sign: Sign = this.frame.view.sign;
    this.#send('sign', { sign, plate: this.frame.view.at_boom?.plates[0]?.text ?? null, here_ms: null, gross_grams: this.frame.view.platform_grams }, 'driver');
  }

  #send(event: string, data: unknown, kind?: 'lane' | 'driver'): void {
    for (const client of this.#clients) {
      if (kind === undefined || client.kind === kind) client.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    };
    const error = (status: number, word: string) => json(status, { error: word, message_vi: `vi: ${word}`, message_en: `en: ${word}`, message_zh: `zh: ${word}` });
    if (request.method === 'POST') {
      if (request.headers['content-type'] !== 'application/json') return error(415, 'not_json');
      return this.#post(path, await body(request), json, error);
    }
    if (path === '/api/stream' || path === '/api/driver') {
      this.streams += 1;
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write('retry: 1000\n\n');
      const client = { response, kind: path === '/api/stream' ? ('lane' as const) : ('driver' as const) };
      this.#clients.add(client);
      request.on('close', () => this.#clients.delete(client));
      return this.#sendView();
    }
    if (path === '/api/officers') return this.officers === null ? error(504, 'no_answer') : json(200, { officers: this.officers });
    if (path === '/api/session') return json(200, { session: this.session });
    const camera = /^\/api\/camera\/(front|rear)\/(now|view)$/.exec(path);
    if (camera !== null && request.method === 'GET') {
      const [, name, what] = camera;
      const accepted = this.frame.cameras[name === 'front' ? 0 : 1].accepted;
      const picture = what === 'now' ? 'cc'.repeat(32) : accepted?.picture;
      if (picture === undefined) return void response.writeHead(404).end('{}');
      response.writeHead(200, { 'content-type': 'image/png', etag: `"${picture}"` });
      return void response.end(platePicture());
    }
    if (path.startsWith('/api/evidence/')) {
      response.writeHead(200, { 'content-type': 'image/png' });
      return void response.end(platePicture());
    }
    return this.#file(path === '/' ? '/index.html' : path, response);
  }

  #post(path: string, text: string, json: (status: number, body: unknown) => void, error: (status: number, word: string) => void): void {
    const sent = JSON.parse(text) as Record<string, unknown>;
    if (path === '/api/stop') {
      this.stops += 1;
      return json(200, { stopped: true });
    }
    if (path === '/api/login') {
      const login = sent as { id: string; pin: string };
      this.logins.push(login);
      const shut = this.locked[login.id];
      if (shut !== undefined) return json(429, { error: 'locked', message_vi: 'x', message_en: 'x', message_zh: 'x', retry_after_s: shut });
      if (login.pin !== '481516') return error(401, 'login_failed');
      const role = login.id.startsWith('giamsat') ? 'supervisor' : 'officer';
      const agency = this.officers?.find((officer) => officer.id === login.id)?.agency ?? 'customs';
      this.session = { id: login.id, agency, role, idle_left_ms: 300_000 };
      return json(200, { session: this.session });
    }
    if (path === '/api/logout') {
      this.session = null;
      return json(200, { session: null });
    }
    const camera = /^\/api\/camera\/(front|rear)\/view$/.exec(path);
    if (camera !== null) {
      if (this.session?.role !== 'supervisor') return error(403, 'not_allowed');
      this.views.push({ camera: camera[1] as Camera, act: sent as unknown as ViewAct });
      return json(200, { accepted: null });
    }
    if (path !== '/api/act') return error(404, 'not_found');
    if (this.session === null) return error(401, 'login_needed');
    const act = sent as unknown as ActRequest;
    this.acts.push(act);
    if (this.mute) return;
    if (this.refusal !== null) return error(...this.refusal);
    json(200, { outcome: this.outcome });
    if (this.outcome === 'accepted') this.onAct(act);
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const file = join(DIST, normalize(path));
    try {
      const bytes = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP });
      response.end(bytes);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }
}

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) {
    text += String(part);
    if (text.length > MAX_BODY_BYTES) throw new Error('body too large');
  }
  return text;
}
