"""What container registries and download sites would give, made from package registries.

Used by `local` where the official way is closed. Each module makes one kind of thing and can be
called again at any time; none of them decides whether it is needed.
"""
