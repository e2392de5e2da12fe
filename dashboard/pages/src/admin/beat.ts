/** Tells everyone who listens that there may be something new: the live protocol brought it, or it was done here. */
export class Beat {
  readonly #listeners = new Set<() => void>();

  /** Call `listener` at every beat from now on; what is returned ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  strike(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
