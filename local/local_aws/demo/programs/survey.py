import zipfile

import pandas as pd

with zipfile.ZipFile("survey.zip") as archive:
    archive.extractall("survey")
    print("in the ZIP:", ", ".join(sorted(archive.namelist())))
answers = pd.read_csv("survey/answers.csv")
print(f"{len(answers)} answers, mean score {answers['score'].mean():.2f}")
