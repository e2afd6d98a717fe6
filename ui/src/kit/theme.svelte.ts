// Two themes: `sun` for daylight on the glass, `night` for a dark booth. Colours are in kit.css.

import { recall, remember } from './memory';

export type Theme = 'sun' | 'night';

class Themes {
  now: Theme = $state(recall('theme') === 'night' ? 'night' : 'sun');

  choose(theme: Theme): void {
    this.now = theme;
    remember('theme', theme);
    document.documentElement.dataset['theme'] = theme;
  }
}

export const themes = new Themes();
document.documentElement.dataset['theme'] = themes.now;
