// What a language must say. Every record is total over its vocabulary: a new word in `wire.ts` does not compile until every language has it.

import type {
  Act, ActOutcome, Boom, CameraState, Channel, CheckResult, Direction, Fault, Mode, Outcome, Phase, ReasonCode, Role, ScaleState, Severity,
  ShownCheck, ShownKind, Sign, SignalName, TareSource, TradeType, WeightUnknown,
} from '../wire';

export type Unit = 's' | 'min' | 'h' | 'd';

/** What a sentence needs besides its own words. */
export interface Say {
  plate(text: string | null): string;
  kg(grams: number): string;
  percent(ppm: number): string;
  age(ms: number): string;
  when(utcMs: number): string;
  agencies(codes: string[]): string;
}

export interface Words {
  code: 'vi' | 'en' | 'zh';
  name: string;
  unit: Record<Unit, string>;
  agency: Record<string, string>;
  phase: Record<Phase, string>;
  mode: Record<Mode, string>;
  sign: Record<Sign, string>;
  boom: Record<Boom, string>;
  signal: Record<SignalName, string>;
  camera: Record<'front' | 'rear', string>;
  cameraSide: Record<'front' | 'rear', string>;
  cameraDevice: Record<'front' | 'rear', string>;
  cameraState: Record<CameraState, string>;
  /** What the person does about it. */
  cameraDo: Record<CameraState, string>;
  scaleState: Record<ScaleState, string>;
  severity: Record<Severity, string>;
  /** What is wrong, and what the person does about it. */
  fault: Record<Fault, [wrong: string, act: string]>;
  check: Record<ShownKind, string>;
  result: Record<CheckResult, string>;
  outcome: Record<Outcome, string>;
  role: Record<Role, string>;
  reason: Record<ReasonCode, string>;
  actOutcome: Record<ActOutcome, string>;
  /** What a person did, as a name. */
  act: Record<Act['do'], string>;
  direction: Record<Direction, string>;
  trade: Record<TradeType, string>;
  channel: Record<Channel, string>;
  tareSource: Record<TareSource, string>;
  weightUnknown: Record<WeightUnknown, string>;
  /** The reason of a check, in a sentence. */
  sentence(check: ShownCheck, say: Say): string;
  ui: Interface;
}

/** Labels of the page itself. */
export interface Interface {
  stop: string; stopSoft: string; stopPending: string; stopDone: string; stopFailed: string;
  open: string; openAgree: string; openOverride: string; openTest: string; holdToOpen: string;
  refuse: string; divert: string; hold: string; release: string; confirm: string; correctPlate: string; more: string;
  closeBoom: string; resetFaults: string; chooseDeclaration: string; noTrailer: string; validSince(age: string): string;
  cancel: string; ok: string; back: string; 
  connecting: string; connectingHint: string; stale(age: string): string; staleHint: string; oldPicture(age: string): string; noPicture: string;
  notRead: string; twoPlates: string; noCamera: string; byOfficer: string; ago(age: string): string; 
  here(age: string): string; called(age: string): string; emptyLane: string; emptyHint: string; bootHint: string; 
  noDeclaration: string; candidates(count: number): string; until: string; nextPlace: string; perishable: string;
  priority: string; moreDeclarations(count: number): string;
  weight: string; gross: string; tare: string; net: string; declared: string; allowed: string; noWeight: string; onScale: string;
  approaching: string; nobodyBehind: string; unreadPlate: string;
  checks: string; checksAll: string; allPassed(count: number): string; noVerdict: string; decidedBy(login: string): string;
  permit: string; permitLeft(age: string): string; permitEntered: string; noPermit: string;
  faults: string; noFaults: string; moreFaults(count: number): string;
  linkUp: string; linkDown: string; since(age: string): string; waiting(count: number): string; 
  knowledge: string; knowledgeUnknown: string; clockUntrusted: string;
  notFitted: string; unknown: string; on: string; off: string; blocked: string; free: string;
  login: string; logout: string; nobody: string; enterId: string; enterPin: string; otherPerson: string; loginAgain: string; noOfficers: string;
  noOfficersHint: string; listUnknown: string; moreRows: string;
  loginFailed: string; locked(time: string): string; sessionEnded: string;
  whyOpen: string; whyRefuse: string; whyDivert: string; whyHold: string; whyMode: string; whyGroup: string; whyEmergency: string;
  otherWords: string; against(outcome: string): string; axles: string; modes: string;
  groupOpen: string; groupCount: string; emergencyOpen: string; language: string; theme: string; sun: string; night: string;
  secondWaiting: string; secondAsks(who: string, what: string): string; secondAgree: string; secondRanOut: string; needSupervisor: string;
  factsChanged: string; sending: string; waitingField: string; notConfirmed: string; notSent: string; done: string; unknownAnswer: string;
  bothCameras: string; cameras: string; lookNow: string; lookAccepted(when: string, by: string): string; lookAgain: string; viewMissing: string; viewMissingHint: string;
  viewAccept: string; viewTakeBack: string; viewAccepted: string; viewRefused: string; viewBySocket: string;
  version: string; nothingToCheck: string; barrier: string; sign: string;
}
