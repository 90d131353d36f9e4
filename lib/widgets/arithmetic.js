// The formulas that a widget computes while one drags; tests/test_widgets.py compares them with the library's.
const arithmetic = {
  softmax(scores) {
    const largest = Math.max(...scores);
    const powers = scores.map(score => Math.exp(score - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);
  },
  // What is left out has the logit -Infinity, as in lib/decoding/sampling.py.
  topK(logits, k) {
    const least = [...logits].sort((a, b) => b - a)[Math.min(k, logits.length) - 1];
    return logits.map(logit => logit < least ? -Infinity : logit);
  },
  topP(logits, p) {
    if (p === 1) return [...logits];
    const ordered = [...logits].sort((a, b) => b - a);
    let above = 0, least = Infinity;
    arithmetic.softmax(ordered).forEach((share, i) => {
      if (above < p) least = ordered[i];
      above += share;
    });
    return logits.map(logit => logit < least ? -Infinity : logit);
  },
  minP(logits, p) {
    const least = Math.max(...logits) + Math.log(p);
    return logits.map(logit => logit < least ? -Infinity : logit);
  },
  // The angle of a position for each pair of numbers, as in lib/positions.py.
  angles(position, size, base) {
    return Array.from({ length: size / 2 }, (_, pair) => position * base ** (-2 * pair / size));
  },
  turn([a, b], angle) {
    return [a * Math.cos(angle) - b * Math.sin(angle), a * Math.sin(angle) + b * Math.cos(angle)];
  },
};
