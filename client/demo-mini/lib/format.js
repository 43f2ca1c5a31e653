/** A time of the API as people read it, in the phone's own zone: 2026-11-25 10:30. */
function formatTime(rfc3339) {
  const time = new Date(rfc3339)
  const two = (number) => String(number).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}

module.exports = { formatTime }
