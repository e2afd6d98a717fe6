// Which camera a fault speaks of: faults name what is wrong with the lane, the view says with which camera.

import type { Camera, CameraState, Fault, LaneView } from '../kit/wire';

const OF: Partial<Record<Fault, CameraState[]>> = {
  camera_untrusted: ['covered', 'moved'],
  camera_frozen: ['frozen', 'no_frames'],
  camera_down: ['down'],
  camera_poor: ['dark', 'glare', 'blurred', 'dirty', 'out_of_frame'],
};

export interface Troubled { name: Camera; state: CameraState; both: boolean }

/** The first camera of a fault, and whether the other one is in the same state; `null`: the fault is of no camera, or the camera is well again. */
export function troubledCamera(view: LaneView | null, fault: Fault): Troubled | null {
  const states = OF[fault];
  if (view === null || states === undefined) return null;
  const found = (['front', 'rear'] as const).flatMap((name, index) => {
    const state = view.cameras[index];
    return state !== undefined && states.includes(state) ? [{ name, state }] : [];
  });
  const [first] = found;
  return first === undefined ? null : { ...first, both: found.length > 1 && found.every((one) => one.state === first.state) };
}
