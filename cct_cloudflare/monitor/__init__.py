"""`cct monitor`: one execution, observed, or several; or a Worker's health, again and again.

Values come out of `observe`, `health` and `system`; `report` makes them one JSON object, `describe` lines for people,
and `screens` shows them. What the program prints is measured, not shown.
"""
