"""Pictures that move, in a page: their frame, and whether a key moves them."""

SHOWN = "() => document.getElementById('stage').innerHTML + document.getElementById('said').textContent"
CONTROLS = "input[type=radio]:checked, input:not([type=radio]), select, button"


def inside(place):
    """The frame of a widget in a page, or in a part of it, as soon as the widget has drawn."""
    frame = place.locator("iframe").element_handle().content_frame()
    frame.wait_for_selector("#said:not(:empty)")
    return frame


def key_for(control: str) -> str:
    """The key that moves a control. control: its type, or where it has none, its tag"""
    return "Space" if control in ("checkbox", "submit", "button") else "ArrowRight"


def moves(frame) -> bool:
    """Whether some control changes the picture when its key is pressed."""
    before = frame.evaluate(SHOWN)
    for control in frame.query_selector_all(CONTROLS):
        control.press(key_for(control.evaluate("one => one.type || one.tagName")))
        if frame.evaluate(SHOWN) != before:  # the controls behind it may be new ones
            return True
    return False
