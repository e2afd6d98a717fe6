// What a screen remembers between starts: language, theme, who logged in here last. A browser that keeps nothing is no error.

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`borderlane.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`borderlane.${key}`, value);
  } catch {
    // Private mode or a full profile: the choice lasts until the page is left.
  }
}
