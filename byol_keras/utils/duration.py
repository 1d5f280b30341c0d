"""A time as people say it."""


def duration(seconds: float) -> str:
    """In two units at most, of which the smaller is rounded: "40 s", "14 min", "3 h 20 min", "2 days 4 h".

    Args:
        seconds: 0 or more.
    """
    seconds = round(seconds)
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(hours + minutes / 60), 24)
    return f"{days} days {hours} h" if hours else f"{days} days"
