/** The items in an order that chance gives; every order is as likely. */
export function shuffled<T>(items: readonly T[], random: (limit: number) => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = random(i + 1);
    const moved = list[i] as T;
    list[i] = list[j] as T;
    list[j] = moved;
  }
  return list;
}
