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
  // What each merge makes of a text of plain letters, as in lib/widgets/merges.py.
  merged(text, least = 2, most = 5) {
    const tokens = Array.from({ length: 128 }, (_, byte) => String.fromCharCode(byte));
    const steps = [];
    let words = text.split(" ").map(word => [...word].map(letter => letter.charCodeAt(0))), made = null;
    for (let next = 256; ; next += 1) {
      const counts = new Map();
      for (const word of words) {
        for (let i = 0; i + 1 < word.length; i += 1) {
          const name = `${word[i]} ${word[i + 1]}`;
          const [, , before] = counts.get(name) || [0, 0, 0];
          counts.set(name, [word[i], word[i + 1], before + 1]);
        }
      }
      const pairs = [...counts.values()].sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
      steps.push({ words: words.map(word => word.map(id => tokens[id])), new: made,
        pairs: pairs.slice(0, most).map(([left, right, times]) => [tokens[left], tokens[right], times]) });
      if (!pairs.length || pairs[0][2] < least) return steps;
      const [left, right] = pairs[0];
      made = tokens[next] = tokens[left] + tokens[right];
      words = words.map(word => {
        const merged = [];
        for (let i = 0; i < word.length;) {
          const fits = word[i] === left && word[i + 1] === right;
          merged.push(fits ? next : word[i]);
          i += fits ? 2 : 1;
        }
        return merged;
      });
    }
  },
  // The angle of a position for each pair of numbers, as in lib/positions.py.
  angles(position, size, base) {
    return Array.from({ length: size / 2 }, (_, pair) => position * base ** (-2 * pair / size));
  },
  turn([a, b], angle) {
    return [a * Math.cos(angle) - b * Math.sin(angle), a * Math.sin(angle) + b * Math.cos(angle)];
  },
};
