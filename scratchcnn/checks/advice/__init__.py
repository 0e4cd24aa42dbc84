"""What to write instead: the advice that messages about images and labels end with.

Advice is code that works on what the user holds, be it an array, a list, a DataFrame or a tensor, and it is only given
where following it leads on: a test follows each.
"""
